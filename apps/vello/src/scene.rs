//! The scene: the image of the field, and the curve of the function.

use hard_sigmoid::HardSigmoid;
use vello::Scene;
use vello::kurbo::{Affine, BezPath, Line, Point, Rect, Shape, Stroke};
use vello::peniko::color::{AlphaColor, Srgb};
use vello::peniko::{Color, ImageBrush, ImageData, ImageQuality, ImageSampler};

/// Where the image lies, in pixels.
pub const IMAGE: (u32, u32) = (32, 32);
/// Where the plot lies.
const PLOT: Rect = Rect::new(384.0, 72.0, 672.0, 312.0);
/// The x at its left and right edges.
const EDGES: (f64, f64) = (-5.0, 5.0);

const GRAY: AlphaColor<Srgb> = Color::from_rgb8(0xc0, 0xc0, 0xc0);
pub const INK: AlphaColor<Srgb> = Color::from_rgb8(0xb0, 0x20, 0x30);

pub fn scene(f: HardSigmoid, image: ImageData) -> Scene {
    let mut scene = Scene::new();
    let sampler = ImageSampler::new().with_quality(ImageQuality::Low);
    let at = Affine::translate((f64::from(IMAGE.0), f64::from(IMAGE.1)));
    scene.draw_image(&ImageBrush { image, sampler }, at);

    let mut stroke = |width: f64, color: Color, shape: &dyn Fn() -> BezPath| {
        scene.stroke(&Stroke::new(width), Affine::IDENTITY, color, None, &shape());
    };
    let line = |from: Point, to: Point| Line::new(from, to).to_path(0.1);
    // The axes, and the line y = 1.
    stroke(1.0, GRAY, &|| line(point(EDGES.0, 0.0), point(EDGES.1, 0.0)));
    stroke(1.0, GRAY, &|| line(point(EDGES.0, 1.0), point(EDGES.1, 1.0)));
    stroke(1.0, GRAY, &|| line(point(0.0, -0.1), point(0.0, 1.1)));
    stroke(3.0, INK, &|| {
        let columns = PLOT.width() as u32;
        let at = |column: u32| {
            let x = EDGES.0 + (EDGES.1 - EDGES.0) * f64::from(column) / f64::from(columns);
            point(x, f.eval(x))
        };
        let mut path = BezPath::new();
        path.move_to(at(0));
        for column in 1..=columns {
            path.line_to(at(column));
        }
        path
    });
    scene
}

/// Where a point of the curve is drawn.
pub fn point(x: f64, y: f64) -> Point {
    let (left, right) = EDGES;
    Point::new(PLOT.x0 + (x - left) / (right - left) * PLOT.width(), PLOT.y1 - y * PLOT.height())
}
