// Planes of code values to one RGBA8 picture of the size shown: resampling, matrix, colour management
// and orientation in one pass, by output pixel. `convert::reference` is its twin on the CPU.
//
// Cost: when the picture shrinks, the triangle kernel reads each source sample for at most two output
// pixels along each axis, so a plane costs no more than four loads a sample however small the result;
// when it grows, no more than four loads a pixel. Two separable passes would halve that at best and
// need a picture in between, which is not worth it.

// What a pipeline is specialized for.
// Colour components: 1 (gray) or 3.
override COMPONENTS: u32 = 3u;
// Whether Cb and Cr share plane 1.
override SEMI_PLANAR: bool = false;
// Bits by which samples lie left of their code values.
override SAMPLE_SHIFT: u32 = 0u;
// Whether the last plane holds alpha.
override HAS_ALPHA: bool = false;
// Whether full-size planes are neither scaled nor moved.
override UNSCALED: bool = false;
// Whether colours pass through linear light.
override MANAGED: bool = false;

// Output pixels of a row that one invocation makes.
const RUN: u32 = 4u;
// Intervals of each lookup table.
const TABLE_STEPS: f32 = 1024.0;
const TABLE_LEN: u32 = 1025u;

struct Job {
    // R', G' and B' from codes: three weights and a constant each.
    rgb_from_codes: array<vec4<f32>, 3>,
    // Linear BT.709 from the source's linear RGB; w holds BT.709's own luminance weights.
    bt709_from_source: array<vec4<f32>, 3>,
    // xyz: the source's luminance weights. w: HLG's display peak in cd/m2, or 0 for other curves.
    luminance: vec4<f32>,
    // Kernels of full-size planes and of colour planes: step x, step y, origin x, origin y.
    luma_axis: vec4<f32>,
    chroma_axis: vec4<f32>,
    // Kernel radii: luma x, luma y, chroma x, chroma y.
    radius: vec4<f32>,
    // Last sample of full-size planes (xy) and of colour planes (zw).
    last_sample: vec4<i32>,
    // Column and row in the picture as stored: (x, y) weights of the column, then of the row.
    stored_from_shown: vec4<i32>,
    // xy: constants of the map above. zw: size of the result.
    stored_origin: vec4<i32>,
    // 1 / greatest alpha code; light that the tone curve maps to white, in the source's unit.
    alpha_scale: f32,
    tone_peak: f32,
    pad0: f32,
    pad1: f32,
}

@group(0) @binding(0) var<uniform> job: Job;
@group(0) @binding(1) var plane0: texture_2d<u32>;
@group(0) @binding(2) var plane1: texture_2d<u32>;
@group(0) @binding(3) var plane2: texture_2d<u32>;
@group(0) @binding(4) var plane3: texture_2d<u32>;
// Three tables: light by signal; tone gain by the fourth root of light / tone_peak; signal by the square
// root of relative light.
@group(0) @binding(5) var<storage, read> tables: array<f32>;
@group(0) @binding(6) var picture: texture_storage_2d<rgba8unorm, write>;

// The samples along one axis that an output pixel sees.
struct Window {
    first: i32,
    last: i32,
    centre: f32,
    inverse_radius: f32,
}

fn window_at(output: i32, step: f32, origin: f32, radius: f32) -> Window {
    let centre = origin + f32(output) * step;
    // Samples exactly `radius` away have no weight and are left out.
    let first = i32(floor(centre - radius)) + 1;
    let last = i32(ceil(centre + radius)) - 1;
    return Window(first, last, centre, 1.0 / radius);
}

fn weight(window: Window, sample: i32) -> f32 {
    return max(0.0, 1.0 - abs(f32(sample) - window.centre) * window.inverse_radius);
}

fn code(sample: vec2<u32>) -> vec2<f32> {
    return vec2<f32>(sample >> vec2<u32>(SAMPLE_SHIFT));
}

// The first two components of a plane, filtered.
fn filtered(plane: texture_2d<u32>, across: Window, down: Window, last: vec2<i32>) -> vec2<f32> {
    var sum = vec2<f32>(0.0);
    var total = 0.0;
    for (var y = down.first; y <= down.last; y++) {
        let row = clamp(y, 0, last.y);
        var row_sum = vec2<f32>(0.0);
        var row_total = 0.0;
        for (var x = across.first; x <= across.last; x++) {
            let w = weight(across, x);
            let at = vec2<i32>(clamp(x, 0, last.x), row);
            row_sum += w * code(textureLoad(plane, at, 0).xy);
            row_total += w;
        }
        let w = weight(down, y);
        sum += w * row_sum;
        total += w * row_total;
    }
    return sum / total;
}

fn looked_up(table: u32, position: f32) -> f32 {
    let at = clamp(position, 0.0, 1.0) * TABLE_STEPS;
    let index = min(u32(at), TABLE_LEN - 2u);
    let start = table * TABLE_LEN + index;
    return mix(tables[start], tables[start + 1u], at - f32(index));
}

// Mixes light that is outside 0..1 with the gray of its own luminance, no more than is needed.
fn fit_bt709(light: vec3<f32>) -> vec3<f32> {
    let weights = vec3<f32>(
        job.bt709_from_source[0].w, job.bt709_from_source[1].w, job.bt709_from_source[2].w);
    let gray = clamp(dot(light, weights), 0.0, 1.0);
    var share = 1.0;
    for (var i = 0; i < 3; i++) {
        let c = light[i];
        if c > 1.0 {
            share = min(share, (1.0 - gray) / (c - gray));
        }
        if c < 0.0 {
            share = min(share, gray / (gray - c));
        }
    }
    return clamp(vec3<f32>(gray) + (light - gray) * share, vec3<f32>(0.0), vec3<f32>(1.0));
}

fn managed(rgb: vec3<f32>) -> vec3<f32> {
    var light = vec3<f32>(looked_up(0u, rgb.r), looked_up(0u, rgb.g), looked_up(0u, rgb.b));
    if job.luminance.w > 0.0 {
        // HLG's OOTF; its system gamma of 1.2 acts on luminance.
        let y = max(dot(light, job.luminance.xyz), 1e-12);
        light *= job.luminance.w * pow(y, 0.2);
    }
    let peak = max(max(light.r, light.g), max(light.b, 1e-12));
    let above = peak / job.tone_peak;
    // Light above the peak counts as the peak.
    light *= looked_up(1u, sqrt(sqrt(above))) / max(above, 1.0);
    let bt709 = fit_bt709(vec3<f32>(
        dot(job.bt709_from_source[0].xyz, light),
        dot(job.bt709_from_source[1].xyz, light),
        dot(job.bt709_from_source[2].xyz, light),
    ));
    let root = sqrt(bt709);
    return vec3<f32>(looked_up(2u, root.r), looked_up(2u, root.g), looked_up(2u, root.b));
}

fn full_size(plane: texture_2d<u32>, at: vec2<i32>, across: Window, down: Window) -> f32 {
    if UNSCALED {
        return code(textureLoad(plane, at, 0).xy).x;
    }
    return filtered(plane, across, down, job.last_sample.xy).x;
}

// The pixel in this column and row of the scaled picture as it is stored.
fn pixel(at: vec2<i32>) -> vec4<f32> {
    let luma_across = window_at(at.x, job.luma_axis.x, job.luma_axis.z, job.radius.x);
    let luma_down = window_at(at.y, job.luma_axis.y, job.luma_axis.w, job.radius.y);
    var codes = vec3<f32>(full_size(plane0, at, luma_across, luma_down), 0.0, 0.0);
    if COMPONENTS == 3u {
        let across = window_at(at.x, job.chroma_axis.x, job.chroma_axis.z, job.radius.z);
        let down = window_at(at.y, job.chroma_axis.y, job.chroma_axis.w, job.radius.w);
        let last = job.last_sample.zw;
        if SEMI_PLANAR {
            codes = vec3<f32>(codes.x, filtered(plane1, across, down, last));
        } else {
            codes.y = filtered(plane1, across, down, last).x;
            codes.z = filtered(plane2, across, down, last).x;
        }
    }
    var rgb = vec3<f32>(
        dot(job.rgb_from_codes[0], vec4<f32>(codes, 1.0)),
        dot(job.rgb_from_codes[1], vec4<f32>(codes, 1.0)),
        dot(job.rgb_from_codes[2], vec4<f32>(codes, 1.0)),
    );
    if MANAGED {
        rgb = managed(rgb);
    }
    var alpha = 1.0;
    if HAS_ALPHA {
        var alpha_code: f32;
        if COMPONENTS == 1u {
            alpha_code = full_size(plane1, at, luma_across, luma_down);
        } else if SEMI_PLANAR {
            alpha_code = full_size(plane2, at, luma_across, luma_down);
        } else {
            alpha_code = full_size(plane3, at, luma_across, luma_down);
        }
        alpha = alpha_code * job.alpha_scale;
    }
    return clamp(vec4<f32>(rgb, alpha), vec4<f32>(0.0), vec4<f32>(1.0));
}

@compute @workgroup_size(8, 8)
fn convert(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = job.stored_origin.zw;
    let y = i32(id.y);
    if y >= size.y {
        return;
    }
    for (var i = 0u; i < RUN; i++) {
        let x = i32(id.x * RUN + i);
        if x < size.x {
            let map = job.stored_from_shown;
            let stored = vec2<i32>(map.x * x + map.y * y, map.z * x + map.w * y)
                + job.stored_origin.xy;
            textureStore(picture, vec2<i32>(x, y), pixel(stored));
        }
    }
}
