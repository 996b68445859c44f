//! Chart of the bytes of all paths over time. Its colors are names: the style gives each the
//! color that the verdict has.

use plotters::prelude::{
    ChartBuilder, DrawingAreaErrorKind, IntoDrawingArea, IntoFont, RGBColor, Rectangle, SVGBackend,
};
use plotters::style::{Color, TRANSPARENT};

use super::{Axis, classes, later};
use crate::report::model::TimelineReport;
use crate::report::text::bytes;

/// Size of the drawing, in its own units.
const SIZE: (u32, u32) = (960, 220);
const TEXT: RGBColor = RGBColor(1, 1, 1);
const LINE: RGBColor = RGBColor(2, 2, 2);

/// Color that stands for the name of one.
fn named(letter: &str) -> RGBColor {
    RGBColor(3, 3, letter.bytes().next().unwrap_or(0))
}

/// The chart as SVG; `None` where nothing can be drawn.
pub(super) fn draw(axis: &Axis, timeline: &TimelineReport) -> Option<String> {
    let mut svg = String::new();
    let bars = stacked(axis, timeline);
    let most = bars
        .iter()
        .map(|bar| bar.high)
        .max()
        .filter(|&most| most > 0)?;
    plot(&mut svg, axis, &bars, most).ok()?;
    // In a page the namespace goes without saying, and lines are no page's own.
    let svg = svg.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
    Some(svg.replace('\n', ""))
}

/// Bytes a second of a class in an interval, on top of those of classes before it.
struct Bar {
    from: i64,
    low: u64,
    high: u64,
    color: RGBColor,
}

fn stacked(axis: &Axis, timeline: &TimelineReport) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut tops = Vec::new();
    for (_, letter, columns) in classes(timeline) {
        tops.resize(columns.wire_bytes.len(), 0_u64);
        let mut from = 0;
        for (top, &bytes) in tops.iter_mut().zip(&columns.wire_bytes) {
            let low = *top;
            *top = low.saturating_add(per_second(bytes, axis.width));
            if bytes > 0 {
                bars.push(Bar {
                    from,
                    low,
                    high: *top,
                    color: named(letter),
                });
            }
            from += axis.width;
        }
    }
    bars
}

fn per_second(bytes: u64, width: i64) -> u64 {
    let rate = u128::from(bytes) * 1_000_000_000 / u128::from(width.unsigned_abs().max(1));
    u64::try_from(rate).unwrap_or(u64::MAX)
}

type Drawn<'s> = Result<
    (),
    DrawingAreaErrorKind<<SVGBackend<'s> as plotters::prelude::DrawingBackend>::ErrorType>,
>;

fn plot<'s>(svg: &'s mut String, axis: &Axis, bars: &[Bar], most: u64) -> Drawn<'s> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(6)
        .margin_right(44)
        .x_label_area_size(22)
        .y_label_area_size(80)
        .build_cartesian_2d(0..axis.len, 0..most)?;
    let form = if axis.len < 10_000_000_000 {
        "%H:%M:%S%.1f"
    } else {
        "%H:%M:%S"
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(LINE.stroke_width(1))
        .axis_style(LINE.stroke_width(1))
        .label_style(("sans-serif", 13).into_font().color(&TEXT))
        .x_labels(7)
        .y_labels(4)
        .x_label_formatter(&|at| later(axis.start, *at).strftime(form).to_string())
        .y_label_formatter(&|rate| format!("{}/s", bytes(*rate)))
        .draw()?;
    let bar = |it: &Bar| {
        let corners = [(it.from, it.low), (it.from + axis.width, it.high)];
        Rectangle::new(corners, it.color.filled())
    };
    chart.draw_series(bars.iter().map(bar))?;
    root.present()
}
