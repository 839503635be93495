//! Brightness and colour apart, as kornia's YCbCr has them.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Effort, Form, Input, Output};
use crate::native::image::{Image, Shape};
use crate::native::number::to_f32;
use crate::native::value::Value;

const BASE: Definition = Definition {
    category: "image/batch",
    python_module: "comfy_extras.nodes_morphology",
    form: Form::Schema,
    ..Definition::BASE
};

pub(in crate::native) static IMAGE_RGB_TO_YUV: Definition = Definition {
    class_type: "ImageRGBToYUV",
    description: "Takes colours apart into brightness, blue and red, each as a grey image.",
    inputs: &[Input::image("image", "The images to take apart.")],
    outputs: &[Output::IMAGE.named("Y"), Output::IMAGE.named("U"), Output::IMAGE.named("V")],
    effort: Effort::Little,
    run: apart,
    ..BASE
};

pub(in crate::native) static IMAGE_YUV_TO_RGB: Definition = Definition {
    class_type: "ImageYUVToRGB",
    description: "Makes colours of brightness, blue and red; of each image the mean of its channels counts.",
    inputs: &[
        Input::image("Y", "The brightness."),
        Input::image("U", "How blue the colours are; 0.5 is grey."),
        Input::image("V", "How red the colours are; 0.5 is grey."),
    ],
    outputs: &[Output::IMAGE],
    run: together,
    ..BASE
};

/// The middle of what blue and red can be.
const DELTA: f32 = 0.5;

fn apart(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    if image.shape().channels != 3 {
        let message = format!("colours of 3 channels are taken apart, not of {}", image.shape().channels);
        return Err(Failure::new("ValueError", message));
    }
    let work = &call.context.work;
    let part = |value: fn(&[f32; 3]) -> f32| {
        Image::by_rows(image.shape(), work, |frame, y, row| {
            let source = image.row(frame, y).as_chunks::<3>().0;
            let pixels = row.as_chunks_mut::<3>().0.iter_mut().zip(source);
            pixels.for_each(|(pixel, source)| *pixel = [value(source); 3]);
        })
    };
    let (blue, red) = (part(blue)?, part(red)?);
    // What the others follow from comes last, because it can lie where the image does.
    let brightness = image.change(work, |_, _, row| {
        row.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = [brightness(pixel); 3]);
    })?;
    let parts = [brightness, blue, red];
    Ok(Yield::values(parts.map(Value::Image)))
}

fn brightness([red, green, blue]: &[f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

fn blue(pixel: &[f32; 3]) -> f32 {
    (pixel[2] - brightness(pixel)) * 0.564 + DELTA
}

fn red(pixel: &[f32; 3]) -> f32 {
    (pixel[0] - brightness(pixel)) * 0.713 + DELTA
}

fn together(mut call: Call) -> Result<Yield, Failure> {
    let [y, u, v] = [call.image("Y")?, call.image("U")?, call.image("V")?];
    let sizes = [&y, &u, &v].map(|image| Shape { channels: 3, ..image.shape() });
    let [shape, ..] = sizes;
    if sizes != [shape; 3] {
        return Err(Failure::new(
            "RuntimeError",
            "Y, U and V must have one size, and be as many images each",
        ));
    }
    let image = Image::by_rows(shape, &call.context.work, |frame, line, row| {
        let [y, u, v] = [&y, &u, &v].map(|image| means(image.row(frame, line), image.shape().channels));
        let colours = y.iter().zip(u.iter().zip(&v));
        for (pixel, (y, (u, v))) in row.as_chunks_mut::<3>().0.iter_mut().zip(colours) {
            let (blue, red) = (u - DELTA, v - DELTA);
            *pixel = [y + 1.403 * red, y - 0.714 * red - 0.344 * blue, y + 1.773 * blue];
        }
    })?;
    Ok(Yield::values([Value::Image(image)]))
}

/// The mean of each pixel's channels.
fn means(row: &[f32], channels: usize) -> Vec<f32> {
    if channels == 3 {
        // The same, for what most images are.
        return row.as_chunks::<3>().0.iter().map(|[red, green, blue]| (red + green + blue) / 3.0).collect();
    }
    row.chunks_exact(channels.max(1)).map(|pixel| pixel.iter().sum::<f32>() / to_f32(channels)).collect()
}
