"""Changes of brightness, contrast and saturation as one weighted sum of pixels."""


def color_weights(brightness, contrast, saturation):
    """Three changes of colour as one weighted sum.

    Brightness scales pixels. Contrast scales their distance from the image's mean
    luminance, saturation that from the pixel's own luminance, in this order. So the
    result is ``a * pixel + b * luminance + c * mean luminance``, which is clipped once.

    Returns
    -------
    a, b, c : of the type of the factors, numbers or arrays
    """
    scaled = brightness * contrast
    return (
        saturation * scaled,
        (1 - saturation) * scaled,
        brightness * (1 - contrast),
    )
