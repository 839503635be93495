//! Properties that hold for every method and size; the recorded cases are in `tests/pixels`.

use proptest::prelude::*;

use super::*;

fn resize(image: &Image, method: Method, target: Target, crop: Crop) -> Result<Image, ResizeError> {
    super::resize(image, method, target, crop, &Work::default())
}

const METHODS: [Method; 5] =
    [Method::NearestExact, Method::Bilinear, Method::Area, Method::Bicubic, Method::Lanczos];

fn image(batch: usize, height: usize, width: usize, value: impl Fn(usize) -> f32) -> Image {
    let shape = Shape { batch, height, width, channels: 3 };
    Image::from_values(shape, &Work::default(), (0..batch * shape.frame()).map(value)).unwrap()
}

fn noise(at: usize) -> f32 {
    number(at) / 255.0
}

#[expect(clippy::cast_possible_truncation, reason = "the lowest byte is what is wanted")]
fn number(at: usize) -> f32 {
    f32::from((at.wrapping_mul(2_654_435_761) >> 13) as u8)
}

fn size_of(image: &Image) -> (usize, usize) {
    (image.shape().width, image.shape().height)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_size_goes_to_any_size(
        (width, height) in (1_usize..40, 1_usize..40),
        (new_width, new_height) in (0_usize..70, 0_usize..70),
        method in prop::sample::select(METHODS.to_vec()),
        center in any::<bool>(),
    ) {
        let source = image(2, height, width, noise);
        let target = Target { width: new_width, height: new_height };
        let crop = if center { Crop::Center } else { Crop::Disabled };
        match resize(&source, method, target, crop) {
            Ok(result) => {
                prop_assert_eq!(result.shape().batch, 2);
                prop_assert!(result.values().iter().all(|value| value.is_finite()));
                if new_width > 0 && new_height > 0 {
                    prop_assert_eq!(size_of(&result), (new_width, new_height));
                }
            }
            Err(error) => {
                let nothing_left = matches!(error, ResizeError::NothingLeft { .. });
                prop_assert!(center && nothing_left && method != Method::Lanczos, "{}", error);
            }
        }
    }

    #[test]
    fn one_colour_stays_that_colour(
        (width, height) in (1_usize..40, 1_usize..40),
        (new_width, new_height) in (1_usize..90, 1_usize..90),
        method in prop::sample::select(METHODS.to_vec()),
        byte in any::<u8>(),
    ) {
        let colour = f32::from(byte) / 255.0;
        let result =
            resize(&image(1, height, width, |_| colour), method, Target { width: new_width, height: new_height }, Crop::Disabled)
                .unwrap();
        prop_assert!(result.values().iter().all(|value| (value - colour).abs() < 1e-5));
    }

    #[test]
    fn nearest_takes_only_values_that_are_there(
        (width, height) in (1_usize..40, 1_usize..40),
        (new_width, new_height) in (1_usize..90, 1_usize..90),
    ) {
        let source = image(1, height, width, noise);
        let target = Target { width: new_width, height: new_height };
        let result = resize(&source, Method::NearestExact, target, Crop::Disabled).unwrap();
        prop_assert!(result.values().iter().all(|value| source.values().contains(value)));
    }
}

#[test]
fn the_same_size_changes_nothing() {
    let source = image(1, 150, 90, noise);
    for method in METHODS {
        let result = resize(&source, method, Target { width: 90, height: 150 }, Crop::Center).unwrap();
        assert_eq!(result.values(), source.values(), "{method:?}");
        // What is not cut shares the pixels; what is goes through the same arithmetic as any other size.
        let is_shared = result.values().as_ptr() == source.values().as_ptr();
        assert_eq!(is_shared, method != Method::Lanczos, "{method:?}");
        let middle = resize(&source, method, Target { width: 70, height: 150 }, Crop::Center).unwrap();
        for (y, row) in middle.values().chunks(3 * 70).enumerate() {
            assert_eq!(row, &source.row(0, y)[3 * 10..3 * 80], "{method:?}");
        }
    }
    let target = Target { width: 0, height: 0 };
    assert_eq!(resize(&source, Method::Lanczos, target, Crop::Center).unwrap(), source);
}

#[test]
fn each_image_of_a_batch_is_resized_on_its_own() {
    let both = image(2, 7, 11, noise);
    for method in METHODS {
        for (width, height) in [(1, 1), (5, 3), (100, 80)] {
            let target = Target { width, height };
            let result = resize(&both, method, target, Crop::Center).unwrap();
            for (source, result) in both.frames().zip(result.frames()) {
                let shape = Shape { batch: 1, ..both.shape() };
                let single = Image::from_values(shape, &Work::default(), source.to_vec()).unwrap();
                let single = resize(&single, method, target, Crop::Center).unwrap();
                assert_eq!(single.values(), result, "{method:?} to {width}×{height}");
            }
        }
    }
}

#[test]
fn extreme_proportions_work_or_say_why_not() {
    let line = image(1, 1, 5000, noise);
    for method in METHODS {
        let target = Target { width: 1, height: 3000 };
        let result = resize(&line, method, target, Crop::Disabled).unwrap();
        assert_eq!(size_of(&result), (1, 3000), "{method:?}");
        match resize(&image(1, 1, 5000, |_| 1.0), method, target, Crop::Center) {
            Ok(black) => {
                assert_eq!(method, Method::Lanczos);
                assert!(black.values().iter().all(|value| *value == 0.0));
            }
            Err(error) => assert_eq!(
                error.to_string(),
                "cropping 5000×1 pixels to the proportions of 1×3000 leaves nothing of them"
            ),
        }
    }
    let wide = resize(&line, Method::Area, Target { width: 0, height: 300 }, Crop::Disabled);
    assert!(matches!(wide, Err(ResizeError::Build(BuildError::TooLarge(_)))), "1500000 pixels wide");
}

#[test]
fn opacity_weighs_colours_in_lanczos() {
    let shape = Shape { batch: 1, height: 1, width: 2, channels: 4 };
    // Opaque red beside transparent green: the mix is red, half as opaque.
    let source =
        Image::from_values(shape, &Work::default(), vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]).unwrap();
    let mixed = resize(&source, Method::Lanczos, Target { width: 1, height: 1 }, Crop::Disabled).unwrap();
    let [red, green, blue, alpha] = mixed.values().try_into().unwrap();
    assert!(red > 0.99 && green == 0.0 && blue == 0.0, "{red} {green} {blue}");
    assert!((alpha - 0.5_f32).abs() < 0.01);
}

#[test]
fn all_processors_have_rows_of_a_flat_result() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let rows = |height, width| pool.install(|| band(Shape { batch: 1, height, width, channels: 1 }));
    assert_eq!([1, 2, 18, 32, 192, 4000].map(|height| rows(height, 9)), [1, 1, 6, 11, 32, 32]);
    assert_eq!((rows(4000, BAND_VALUES / 8), rows(4000, 2 * BAND_VALUES)), (8, 1));
}
