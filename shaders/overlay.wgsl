// Lays the kept picture of the interface over the window, pixel for pixel.

@group(0) @binding(0) var kept: texture_2d<f32>;

// One triangle that covers the target; the scissor rectangle limits it.
@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let corner = vec2<f32>(f32(index & 1u), f32(index >> 1u));
    return vec4<f32>(corner * 4.0 - 1.0, 0.0, 1.0);
}

// Colour that is multiplied by its alpha already, for blending.
@fragment
fn lay(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    return textureLoad(kept, vec2<i32>(at.xy), 0);
}

// Makes room for what is drawn anew.
@fragment
fn wipe() -> @location(0) vec4<f32> {
    return vec4<f32>(0.0);
}
