// What the app does before and after the function: it makes the field, and draws the results into a texture.

const SIDE: u32 = 320u;

@group(0) @binding(0) var<storage, read_write> field: array<f32>;
@group(0) @binding(1) var image: texture_storage_2d<rgba8unorm, write>;

// Circles that meet, from -5 to 5.
@compute @workgroup_size(64)
fn make(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < arrayLength(&field) {
        let at = vec2(f32(id.x % SIDE), f32(id.x / SIDE)) / f32(SIDE);
        field[id.x] = 2.5 * (sin(40.0 * distance(at, vec2(0.2, 0.3))) + sin(30.0 * distance(at, vec2(0.8, 0.7))));
    }
}

// What is saturated in color, what lies between in gray.
@compute @workgroup_size(8, 8)
fn draw(@builtin(global_invocation_id) id: vec3<u32>) {
    let value = field[id.y * SIDE + id.x];
    var color = vec3(value);
    if value == 0.0 {
        color = vec3(0.05, 0.16, 0.35);
    } else if value == 1.0 {
        color = vec3(0.95, 0.75, 0.25);
    }
    textureStore(image, id.xy, vec4(color, 1.0));
}
