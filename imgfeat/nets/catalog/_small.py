"""Nets that are trained from scratch, sized to the images."""

import math

import torch
from torch import nn

from imgfeat.nets.catalog._registered import register_backbone

# Feature maps no smaller than this many pixels are left to the last pooling.
_LEAST_SIDE = 4
# Added to the variances of patches before whitening, for pixels of unit variance.
_WHITEN_EPS = 5e-4


@register_backbone("simple_cnn")
def simple_cnn(n_classes, *, image_size, width=32, dropout=0.25):
    """Return the net of the textbooks: convolutions, pooling, one linear layer.

    Parameters
    ----------
    n_classes : int
        With 0 the linear layer is left out.
    image_size : tuple of (int, int)
        Height and width in pixels. Each block halves it, down to about 4.
    width : int, default=32
        Maps of the first block; each further one has twice as many, up to 8 times.
    dropout : float, default=0.25
        Share of the last features that is left out in training.

    Returns
    -------
    Module
        From (n, 3, height, width) to (n, n_classes).
    """
    n_blocks = max(1, min(4, int(math.log2(min(image_size) / _LEAST_SIDE))))
    widths = [3, *(width * 2**i for i in range(n_blocks))]
    blocks = [
        nn.Sequential(
            _conv(widths[i], widths[i + 1]),
            _conv(widths[i + 1], widths[i + 1]),
            nn.MaxPool2d(2, ceil_mode=True),
        )
        for i in range(n_blocks)
    ]
    head = [nn.Dropout(dropout), nn.Linear(widths[-1], n_classes)] if n_classes else []
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)


def resnet9(n_classes, *, width=16):
    """Return a residual net of nine layers for images of about 32 pixels.

    After D. Page, "How to train your ResNet" (2018), and K. Jordan, "94% on CIFAR-10 in
    3.29 seconds on a single GPU" (2024, :doi:`10.48550/arXiv.2404.00498`), whose first
    layer whitens patches of 2 x 2 pixels; `whiten` sets it. Ours has smooth activations
    and residual blocks as the former.

    Parameters
    ----------
    n_classes : int
        With 0 the last layer is left out.
    width : int, default=16
        Maps of the second layer; later ones have up to 8 times as many.

    Returns
    -------
    Module
        From (n, 3, height, width) to (n, n_classes).
    """
    return _ResNet9(n_classes, width)


@register_backbone("resnet9", width=128)
def _narrow(n_classes, *, image_size, dropout):  # it suits any size
    return resnet9(n_classes)


@register_backbone("resnet9_w32", width=256)
def _wide(n_classes, *, image_size, dropout):
    return resnet9(n_classes, width=32)


class _ResNet9(nn.Module):
    def __init__(self, n_classes, width):
        super().__init__()
        self.whitening = _Whitening()
        self.stem = nn.Sequential(nn.GELU(), _conv(24, width, kernel=1, act=nn.GELU))
        self.stage1 = _stage(width, 2 * width, residual=True)
        self.stage2 = _stage(2 * width, 4 * width, residual=False)
        self.stage3 = _stage(4 * width, 8 * width, residual=True)
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.head = None
        if n_classes:
            self.head = nn.Linear(8 * width, n_classes, bias=False)
        # Logits of about one at the start, as after a softmax temperature of 8.
        self.head_scale = 1 / 8

    def forward(self, x):
        x = self.stem(self.whitening(x))
        x = self.stage3(self.stage2(self.stage1(x)))
        x = self.pool(x).flatten(1)
        return x if self.head is None else self.head(x) * self.head_scale

    def whiten(self, images):
        """Set the first layer from normalized images, (n, 3, height, width)."""
        self.whitening.learn(images)


class _Whitening(nn.Module):
    """A convolution of 2 x 2 pixels that decorrelates them; only its bias is trained.

    Its maps are 12 directions and their opposites, so that no sign is lost in an
    activation. Until it has learned, directions are at random.
    """

    def __init__(self):
        super().__init__()
        directions = torch.linalg.qr(torch.randn(12, 12))[0]
        self.register_buffer("weight", _both_signs(directions))
        self.bias = nn.Parameter(torch.zeros(24))

    def forward(self, x):
        return nn.functional.conv2d(x, self.weight, self.bias)

    @torch.no_grad()
    def learn(self, images):
        """Take the principal axes of the patches, over the root of their variance."""
        patches = images.unfold(2, 2, 1).unfold(3, 2, 1)
        patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
        covariance = torch.cov(patches.double().T, correction=0)
        variances, axes = torch.linalg.eigh(covariance)
        directions = (axes / (variances + _WHITEN_EPS).sqrt()).T
        self.weight.copy_(_both_signs(directions))


def _both_signs(directions):
    filters = directions.reshape(12, 3, 2, 2).float()
    return torch.cat([filters, -filters])


def _stage(n_in, n_out, *, residual):
    layers = [_conv(n_in, n_out, pool=True, act=nn.GELU)]
    if residual:
        inner = [_conv(n_out, n_out, act=nn.GELU) for _ in range(2)]
        layers.append(_Residual(*inner))
    return nn.Sequential(*layers)


class _Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def _conv(n_in, n_out, *, kernel=3, pool=False, act=nn.ReLU):
    padding = kernel // 2
    layers = [nn.Conv2d(n_in, n_out, kernel, padding=padding, bias=False)]
    if pool:
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
    return nn.Sequential(*layers, nn.BatchNorm2d(n_out), act())


def small_stem(net):
    """Let a new net of the ResNet or VGG family see small images, in place.

    A ResNet's first layers divide images by four, which leaves nothing of 32 pixels:
    the first convolution gets 3 x 3 pixels and stride 1, and its pooling goes. Of a VGG
    the last two poolings go. Nets of other forms stay as they are.

    Parameters
    ----------
    net : Module
        The whole net, or its layers up to the head, with torchvision's names.
    """
    if isinstance(getattr(net, "conv1", None), nn.Conv2d) and hasattr(net, "maxpool"):
        width = net.conv1.out_channels
        net.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out")
        net.maxpool = nn.Identity()
        return
    layers = getattr(net, "features", net)
    if isinstance(layers, nn.Sequential):
        pools = [i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
        if len(pools) == 5:
            for i in pools[-2:]:
                layers[i] = nn.Identity()
