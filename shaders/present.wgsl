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
    exposure_gain: f32,
    inverse_gamma: f32,
    channel: u32,
    pad: u32,
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

fn srgb_from_light(light: vec3<f32>) -> vec3<f32> {
    let l = clamp(light, vec3<f32>(0.0), vec3<f32>(1.0));
    return select(
        1.055 * pow(l, vec3<f32>(1.0 / 2.4)) - 0.055, l * 12.92, l <= vec3<f32>(0.0031308));
}

fn adjusted(straight: vec4<f32>) -> vec4<f32> {
    if view.channel == ALPHA {
        return vec4<f32>(vec3<f32>(straight.a), 1.0);
    }
    var light = light_from_srgb(straight.rgb) * view.exposure_gain;
    if view.channel > ALPHA {
        // ITU-R BT.709-6 item 3.2, on light: the gray of the same luminance.
        light = vec3<f32>(dot(light, vec3<f32>(0.2126, 0.7152, 0.0722)));
    }
    let signal = pow(srgb_from_light(light), vec3<f32>(view.inverse_gamma));
    switch view.channel {
        case COLOR: { return vec4<f32>(signal, straight.a); }
        case RED: { return vec4<f32>(signal.rrr, 1.0); }
        case GREEN: { return vec4<f32>(signal.ggg, 1.0); }
        case BLUE: { return vec4<f32>(signal.bbb, 1.0); }
        default: { return vec4<f32>(signal, 1.0); }
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
