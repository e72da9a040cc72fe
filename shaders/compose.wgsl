// Draws one layer of a composite: display-encoded R'G'B' with premultiplied alpha, component by
// component. What cannot be seen of it comes out transparent.

// What the picture's texels hold.
const PREMULTIPLIED: u32 = 1u;
// Texels are pixels, the first one at (across.z, down.z).
const EXACT: u32 = 2u;
// The visible part ends at `edges`.
const EDGES: u32 = 4u;

// What a wipe uncovers.
const HALF_PLANE: u32 = 1u;
const CIRCLE: u32 = 2u;
const SECTOR: u32 = 3u;
const WIDE_SECTOR: u32 = 4u;

struct Layer {
    // Texel coordinates of the middle of a pixel: (dot(across.xyz, (x, y, 1)), dot(down.xyz, (x, y, 1))).
    across: vec4<f32>,
    down: vec4<f32>,
    // Left, top, right and bottom, in texels.
    edges: vec4<f32>,
    // A mask's numbers.
    mask: vec4<f32>,
    // The middle of the canvas, in pixels.
    middle: vec2<f32>,
    // What alpha is multiplied by.
    weight: f32,
    flags: u32,
    mask_kind: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> layer: Layer;
@group(1) @binding(0) var picture: texture_2d<f32>;
@group(2) @binding(0) var below: texture_2d<f32>;

@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    // One triangle that covers the canvas; the scissor rectangle says what of it is drawn.
    let corner = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return vec4<f32>(corner * 2.0 - 1.0, 0.0, 1.0);
}

// Beyond its sides the picture goes on as it ends.
fn texel(at: vec2<i32>) -> vec4<f32> {
    let last = vec2<i32>(textureDimensions(picture)) - 1;
    let found = textureLoad(picture, clamp(at, vec2<i32>(0), last), 0);
    if (layer.flags & PREMULTIPLIED) != 0u {
        return found;
    }
    return vec4<f32>(found.rgb * found.a, found.a);
}

// Colours are mixed with their alpha, so that what is transparent does not shine through. Samplers take
// weights in steps of 1/256 only, and know nothing of alpha.
fn bilinear(at: vec2<f32>) -> vec4<f32> {
    let corner = floor(at - 0.5);
    let part = at - 0.5 - corner;
    let first = vec2<i32>(corner);
    let upper = mix(texel(first), texel(first + vec2<i32>(1, 0)), part.x);
    let lower = mix(texel(first + vec2<i32>(0, 1)), texel(first + vec2<i32>(1, 1)), part.x);
    return mix(upper, lower, part.y);
}

fn is_uncovered(at: vec2<f32>) -> bool {
    let numbers = layer.mask.xyz;
    switch layer.mask_kind {
        case HALF_PLANE: { return numbers.x * at.x + numbers.y * at.y < numbers.z; }
        case CIRCLE: { return dot(at, at) < numbers.x; }
        case SECTOR, WIDE_SECTOR: {
            let past_the_top = at.x >= 0.0;
            let before_the_hand = numbers.x * at.y - numbers.y * at.x < 0.0;
            if layer.mask_kind == WIDE_SECTOR {
                return past_the_top || before_the_hand;
            }
            return past_the_top && before_the_hand;
        }
        default: { return true; }
    }
}

fn shown(pixel: vec2<f32>) -> vec4<f32> {
    if !is_uncovered(pixel - layer.middle) {
        return vec4<f32>(0.0);
    }
    if (layer.flags & EXACT) != 0u {
        let first = vec2<i32>(vec2<f32>(layer.across.z, layer.down.z));
        return texel(vec2<i32>(floor(pixel)) - first) * layer.weight;
    }
    let here = vec3<f32>(pixel, 1.0);
    let at = vec2<f32>(dot(layer.across.xyz, here), dot(layer.down.xyz, here));
    var coverage = 1.0;
    if (layer.flags & EDGES) != 0u {
        let inside = min(at - layer.edges.xy, layer.edges.zw - at);
        let sides = clamp(inside + 0.5, vec2<f32>(0.0), vec2<f32>(1.0));
        coverage = sides.x * sides.y;
    }
    return bilinear(at) * (layer.weight * coverage);
}

// The blend state lays it over what is there.
@fragment
fn over(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    return shown(position.xy);
}

// W3C Compositing and Blending Level 1 §9.1.11, with premultiplied alpha on both sides.
@fragment
fn difference(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let above = shown(position.xy);
    let lower = textureLoad(below, vec2<i32>(position.xy), 0);
    let shared_part = min(above.rgb * lower.a, lower.rgb * above.a);
    let alpha = above.a + lower.a - above.a * lower.a;
    return vec4<f32>(above.rgb + lower.rgb - 2.0 * shared_part, alpha);
}
