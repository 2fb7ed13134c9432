"""Nets that are trained: a trunk, pretrained or not, with a new head."""

import copy
from fnmatch import fnmatchcase

import torch
from torch import nn

from imgfeat.estimators.cnn._fold import fold_norms
from imgfeat.nets._normalization import normalization
from imgfeat.nets._trunk import Trunk

# Rates of the early, middle and late third of a trunk, when trained in stages.
_THIRDS = 0.1, 0.3, 1.0
_NORMS = nn.modules.batchnorm._BatchNorm


class TrainableNet(nn.Module):
    """From uint8 images, (n, 3, height, width), to logits, (n, n_classes).

    Takes features, (n, n_features), as well: what `features` gave for images.

    Parameters
    ----------
    body : Module
        From normalized pixels to features, or to logits if there is no `head`.
    head : Linear, optional
    mean, std : sequence of three floats
        Per channel, for pixels scaled to 0..1.
    dropout : float, default=0.0
        In front of the head.
    image_size : tuple of (int, int)
        Height and width in pixels.
    keep_statistics : bool, default=False
        Keep the statistics of batch norms as they are, in training too.
    """

    def __init__(
        self, body, head, *, mean, std, image_size, dropout=0.0, keep_statistics=False
    ):
        super().__init__()
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.head = head
        self.image_size = image_size
        self.keep_statistics = keep_statistics
        scale, shift = normalization(mean, std)
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def normalize(self, images):
        return images.float() * self.scale + self.shift

    def features(self, images):
        """What the head sees."""
        x = self.normalize(images)
        if isinstance(self.body, Trunk):
            return self.body(x, "auto", self.image_size)
        return self.body(x)

    def embed(self, images):
        """What the last linear layer sees, (n, n_features); without any, the logits."""
        if self.head is not None:
            return self.features(images)
        layers = [layer for layer in self.modules() if isinstance(layer, nn.Linear)]
        if not layers:
            return self.features(images)
        seen = []
        hook = layers[-1].register_forward_pre_hook(lambda _, x: seen.append(x[0]))
        with hook:
            self(images)
        return seen[-1].flatten(1)

    def forward(self, images):
        x = images if images.ndim == 2 else self.features(images)
        return x if self.head is None else self.head(self.dropout(x))

    def train(self, mode=True):
        """Set the mode; what is frozen, and statistics that are kept, stay in eval."""
        super().train(mode)
        if mode:
            for module in self.body.modules():
                is_kept = self.keep_statistics and isinstance(module, _NORMS)
                if is_kept or _is_frozen(module):
                    module.eval()
        return self


def with_new_head(
    trunk, n_classes, preprocessing, *, dropout, is_pretrained=True, is_folded=True
):
    """Return a TrainableNet of a trunk or a module of the user's own.

    Parameters
    ----------
    trunk : Trunk or Module
        A Module is copied.
    n_classes : int
    preprocessing : Preprocessing
    dropout : float
    is_pretrained : bool, default=True
        Whether batch norms keep the statistics that they have.
    is_folded : bool, default=True
        Compute such norms inside convolutions, which is quicker.
    """
    if not isinstance(trunk, Trunk):
        trunk = Trunk(copy.deepcopy(trunk))
    net = TrainableNet(
        trunk,
        None,
        mean=preprocessing.mean,
        std=preprocessing.std,
        image_size=preprocessing.size,
        dropout=dropout,
        keep_statistics=is_pretrained,
    )
    blank = torch.zeros(1, 3, *preprocessing.size, dtype=torch.uint8)
    with torch.inference_mode():
        width = net.eval().features(blank).shape[1]
    if is_pretrained and is_folded:
        net.requires_grad_(True)
        fold_norms(net.body, lambda: net.features(blank))
    # Zeros: at first no class is preferred, and the trunk gets no noise from the head.
    net.head = nn.Linear(width, n_classes)
    nn.init.zeros_(net.head.weight)
    nn.init.zeros_(net.head.bias)
    return net


def choose_trainable(net, trainable):
    """Freeze what is not trained.

    Parameters
    ----------
    net : TrainableNet
    trainable : {"head", "all", "staged"} or sequence of str
        Patterns are matched with the names of the body's parameters, as in
        ``"layer4.*"``.

    Raises
    ------
    ValueError
        If a pattern matches nothing.
    """
    names = dict(net.body.named_parameters())
    if isinstance(trainable, str):
        chosen = set() if trainable == "head" and net.head is not None else set(names)
    else:
        chosen = set()
        for pattern in trainable:
            found = {name for name in names if fnmatchcase(_plain(name), pattern)}
            if not found:
                parts = dict.fromkeys(_plain(name).split(".")[0] for name in names)
                raise ValueError(
                    f"trainable={pattern!r} matches no parameter of the net. Its parts "
                    f"are {', '.join(parts)}; 'layer4.*' is an example of a pattern."
                )
            chosen |= found
    for name, parameter in names.items():
        parameter.requires_grad_(name in chosen)


def suit_norms(net, n_steps):
    """Let the statistics of batch norms keep up with a short training.

    They are running means with a memory of about ten steps; of 50 steps or less, about
    a fifth is remembered. Statistics that are kept do not move at all.

    Parameters
    ----------
    net : TrainableNet
    n_steps : int
        Of the whole training.
    """
    if net.keep_statistics:
        return
    for module in net.modules():
        if isinstance(module, _NORMS):
            module.momentum = min(0.5, max(0.1, 5 / n_steps))


def parameter_groups(net, *, lr, body_factor, weight_decay, in_stages):
    """Parameters in groups with their learning rate and weight decay.

    Norms and biases are not decayed. In stages, early layers get lower rates.

    Returns
    -------
    list of dict
        For an optimizer; ``factor`` is the share of `lr` that a group gets.
    """
    body = [(n, p) for n, p in net.body.named_parameters() if p.requires_grad]
    groups = {}
    for position, (_, parameter) in enumerate(body):
        third = _THIRDS[3 * position // len(body)] if in_stages else 1.0
        factor = third * (body_factor if net.head is not None else 1.0)
        groups.setdefault((factor, parameter.ndim > 1), []).append(parameter)
    for parameter in () if net.head is None else net.head.parameters():
        groups.setdefault((1.0, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": lr * factor,
            "factor": factor,
            "weight_decay": weight_decay if is_decayed else 0.0,
        }
        for (factor, is_decayed), parameters in groups.items()
    ]


def _plain(name):
    """A parameter's name as the user's net has it, without what a Trunk adds."""
    for prefix in ("maps.", "net."):
        name = name.removeprefix(prefix)
    return name


def _is_frozen(module):
    own = list(module.parameters(recurse=False))
    return bool(own) and not any(p.requires_grad for p in own)
