//! A backend for plotters that draws as SVG for a page: colours become classes, so that the page's themes apply,
//! shapes of one style are merged into one path, and there is no fixed size, so that drawings scale.
//!
//! plotters' own SVG backend knows no classes, writes one element for every rectangle and cuts coordinates to whole
//! pixels. Here the sheet is finer than the drawing: [`FINE`] units are one pixel.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write;
use std::rc::Rc;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};

use super::paint::Paint;

/// Units of the sheet in a pixel of the drawing.
pub(crate) const FINE: i32 = 4;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// What was drawn so far.
#[derive(Default)]
struct Body {
    done: String,
    /// Attributes and commands of the path that is being merged.
    path: Option<(String, String)>,
}

impl Body {
    fn flush(&mut self) {
        if let Some((attributes, commands)) = self.path.take() {
            self.done += &format!("<path {attributes} d=\"{commands}\"/>\n");
        }
    }

    fn path(&mut self, attributes: String, commands: &str) {
        match &mut self.path {
            Some((open, merged)) if *open == attributes => *merged += commands,
            _ => {
                self.flush();
                self.path = Some((attributes, commands.to_owned()));
            }
        }
    }
}

/// A sheet to draw on. Clones draw on the same sheet.
#[derive(Clone)]
pub(crate) struct Ink {
    body: Rc<RefCell<Body>>,
    width: u32,
    height: u32,
}

impl Ink {
    /// A sheet for a drawing of so many pixels.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        Self { body: Rc::default(), width, height }
    }

    /// The drawing. `title` and `description` are what a screen reader says.
    pub(crate) fn into_svg(self, title: &str, description: &str) -> String {
        let mut body = self.body.borrow_mut();
        body.flush();
        let (title, description) = (escape(title), escape(description));
        format!(
            "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 {} {}\"><title>{title}</title><desc>{description}</desc>\n{}</svg>",
            self.width, self.height, body.done
        )
    }
}

/// `text` within an element or a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn pixels(units: i32) -> String {
    format!("{}", f64::from(units) / f64::from(FINE))
}

fn point(at: BackendCoord) -> String {
    format!("{} {}", pixels(at.0), pixels(at.1))
}

fn class(color: BackendColor, kind: char) -> String {
    let mut text = format!("class=\"{kind}-{}\"", Paint::name_of(color.rgb));
    if color.alpha < 1.0 {
        let property = if kind == 'f' { "fill" } else { "stroke" };
        text += &format!(" {property}-opacity=\"{:.2}\"", color.alpha);
    }
    text
}

fn stroke<S: BackendStyle>(style: &S) -> String {
    let width = f64::from(style.stroke_width()) / f64::from(FINE);
    format!("{} stroke-width=\"{width}\"", class(style.color(), 's'))
}

impl DrawingBackend for Ink {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.width * FINE.unsigned_abs(), self.height * FINE.unsigned_abs())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Drawn {
        let unit = pixels(1);
        let commands = format!("M{}h{unit}v{unit}h-{unit}z", point(at));
        self.body.borrow_mut().path(class(color, 'f'), &commands);
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        if style.color().alpha > 0.0 {
            self.body.borrow_mut().path(stroke(style), &format!("M{}L{}", point(from), point(to)));
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        one: BackendCoord,
        other: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if style.color().alpha > 0.0 {
            let (left, top) = (one.0.min(other.0), one.1.min(other.1));
            let (width, height) = (pixels((other.0 - one.0).abs()), pixels((other.1 - one.1).abs()));
            let attributes = if fill { class(style.color(), 'f') } else { stroke(style) };
            let commands = format!("M{}h{width}v{height}h-{width}z", point((left, top)));
            self.body.borrow_mut().path(attributes, &commands);
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let points: Vec<String> = path.into_iter().map(point).collect();
        if style.color().alpha > 0.0 && points.len() > 1 {
            self.body.borrow_mut().path(stroke(style), &format!("M{}", points.join("L")));
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let attributes = if fill { class(style.color(), 'f') } else { stroke(style) };
        let radius = f64::from(radius) / f64::from(FINE);
        let mut body = self.body.borrow_mut();
        body.flush();
        let (x, y) = (pixels(center.0), pixels(center.1));
        body.done += &format!("<circle {attributes} cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>\n");
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let points: Vec<String> = path.into_iter().map(point).collect();
        if style.color().alpha > 0.0 && points.len() > 2 {
            self.body.borrow_mut().path(class(style.color(), 'f'), &format!("M{}z", points.join("L")));
        }
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        // Where the letters stand on their line differs little between fonts: these are the usual heights.
        let down = match style.anchor().v_pos {
            VPos::Top => "0.76em",
            VPos::Center => "0.35em",
            VPos::Bottom => "-0.22em",
        };
        let (x, y) = (pixels(at.0), pixels(at.1));
        let turn = match style.transform() {
            FontTransform::None => String::new(),
            FontTransform::Rotate90 => format!(" transform=\"rotate(90 {x} {y})\""),
            FontTransform::Rotate180 => format!(" transform=\"rotate(180 {x} {y})\""),
            FontTransform::Rotate270 => format!(" transform=\"rotate(270 {x} {y})\""),
        };
        let class = class(style.color(), 'f');
        let size = style.size() / f64::from(FINE);
        let mut body = self.body.borrow_mut();
        body.flush();
        let element = format!(
            "<text {class} x=\"{x}\" y=\"{y}\" dy=\"{down}\" font-size=\"{size}\"{anchor}{turn}>{}</text>",
            escape(text)
        );
        if writeln!(body.done, "{element}").is_err() {
            unreachable!("writing to a string cannot fail");
        }
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let width = text_width(text, style.size());
        Ok((crate::findings::grid::whole(width) as u32, crate::findings::grid::whole(style.size()) as u32))
    }
}

/// A generous guess at the width of `text`, in the unit of `size`: no font is at hand. Letters of the usual fonts are
/// little more than half as wide as high on average.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.58
}
