// Draws the picture into its rectangle of the window, in display-encoded R'G'B'.

// What a pipeline is specialized for.
// Whether picture and rectangle have the same size, pixel for pixel.
override EXACT: bool = true;
// Whether the picture can be transparent; a checkerboard shows through.
override CHECKER: bool = false;
// Whether exposure, gamma or a single channel is asked for.
override ADJUST: bool = false;
// Whether the target encodes sRGB by itself; it is given light then, and ends up with the same bytes.
override TARGET_SRGB: bool = false;

// Side of a checkerboard square, in window pixels, and its two grays: codes 102 and 153 of 255.
const SQUARE: i32 = 16;
const DARK: f32 = 0.4;
const BRIGHT: f32 = 0.6;

// The channel shown, as `ViewChannel` counts.
const COLOR: u32 = 0u;
const RED: u32 = 1u;
const GREEN: u32 = 2u;
const BLUE: u32 = 3u;
const ALPHA: u32 = 4u;

struct View {
    // Top left corner of the rectangle in the window, and 1 / its size.
    origin: vec2<f32>,
    inverse_size: vec2<f32>,
    channel: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
    // x: what is shown for each code of the picture. y: the light of that code. z: what is shown for
    // light, by the square root of light, in 255 steps.
    curves: array<vec4<f32>, 256>,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var picture: texture_2d<f32>;
@group(0) @binding(2) var smooth_sampler: sampler;

@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    // One triangle that covers the viewport.
    let corner = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return vec4<f32>(corner * 2.0 - 1.0, 0.0, 1.0);
}

// IEC 61966-2-1.
fn light_from_srgb(signal: vec3<f32>) -> vec3<f32> {
    let s = clamp(signal, vec3<f32>(0.0), vec3<f32>(1.0));
    return select(pow((s + 0.055) / 1.055, vec3<f32>(2.4)), s / 12.92, s <= vec3<f32>(0.04045));
}

fn shown_for_light(light: f32) -> f32 {
    let at = sqrt(clamp(light, 0.0, 1.0)) * 255.0;
    let index = min(u32(at), 254u);
    return mix(view.curves[index].z, view.curves[index + 1u].z, at - f32(index));
}

fn adjusted(straight: vec4<f32>) -> vec4<f32> {
    let code = vec3<u32>(clamp(straight.rgb, vec3<f32>(0.0), vec3<f32>(1.0)) * 255.0 + 0.5);
    switch view.channel {
        case COLOR: {
            let shown = vec3<f32>(
                view.curves[code.r].x, view.curves[code.g].x, view.curves[code.b].x);
            return vec4<f32>(shown, straight.a);
        }
        case RED: { return vec4<f32>(vec3<f32>(view.curves[code.r].x), 1.0); }
        case GREEN: { return vec4<f32>(vec3<f32>(view.curves[code.g].x), 1.0); }
        case BLUE: { return vec4<f32>(vec3<f32>(view.curves[code.b].x), 1.0); }
        case ALPHA: { return vec4<f32>(vec3<f32>(straight.a), 1.0); }
        default: {
            // ITU-R BT.709-6 item 3.2, on light: the gray of the same luminance.
            let light = vec3<f32>(
                view.curves[code.r].y, view.curves[code.g].y, view.curves[code.b].y);
            let luminance = dot(light, vec3<f32>(0.2126, 0.7152, 0.0722));
            return vec4<f32>(vec3<f32>(shown_for_light(luminance)), 1.0);
        }
    }
}

@fragment
fn present(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let at = position.xy - view.origin;
    var color: vec4<f32>;
    if EXACT {
        color = textureLoad(picture, vec2<i32>(at), 0);
    } else {
        color = textureSampleLevel(picture, smooth_sampler, at * view.inverse_size, 0.0);
    }
    if ADJUST {
        color = adjusted(color);
    }
    if CHECKER {
        let square = vec2<i32>(at) / SQUARE;
        let board = select(DARK, BRIGHT, ((square.x + square.y) & 1) == 0);
        color = vec4<f32>(mix(vec3<f32>(board), color.rgb, color.a), 1.0);
    }
    if TARGET_SRGB {
        color = vec4<f32>(light_from_srgb(color.rgb), 1.0);
    }
    return vec4<f32>(color.rgb, 1.0);
}
