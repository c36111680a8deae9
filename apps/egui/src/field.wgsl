// Draws the activated field: what is saturated in color, what lies between in gray.

const SIDE: u32 = 512u;

@group(0) @binding(0) var<storage, read> y: array<f32>;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
}

@vertex
fn vertex(@builtin(vertex_index) i: u32) -> Vertex {
    let corner = vec2(f32(i % 2u), f32(i / 2u)) * 2.0;
    return Vertex(vec4(corner.x * 2.0 - 1.0, 1.0 - corner.y * 2.0, 0.0, 1.0), corner);
}

@fragment
fn fragment(in: Vertex) -> @location(0) vec4<f32> {
    let pixel = min(vec2<u32>(in.at * f32(SIDE)), vec2(SIDE - 1u));
    let value = y[pixel.y * SIDE + pixel.x];
    if value == 0.0 {
        return vec4(0.05, 0.16, 0.35, 1.0);
    }
    if value == 1.0 {
        return vec4(0.95, 0.75, 0.25, 1.0);
    }
    return vec4(vec3(value), 1.0);
}
