"""Patches compared with a dictionary, batched on a device; and how it is learned."""

import torch

from imgfeat.kernels.patches import cell_of_position

# Bytes of distances in flight while atoms are learned.
_CHUNK_BYTES = 1 << 26


def encode(images, dictionary, *, size, stride, norm_eps, encoding, grid):
    """`imgfeat.kernels.patches.encode`, over the whole batch at once.

    Parameters
    ----------
    images : tensor of shape (n_samples, height, width, n_channels), float32
    dictionary : Dictionary of tensors
        On the device of `images`.
    size, stride, norm_eps, encoding, grid
        As in `imgfeat.kernels.patches.encode`.

    Returns
    -------
    tensor of shape (n_samples, n_cells, n_atoms), float32
    """
    patches = cut_patches(images, size, stride)
    n_samples, *positions, n_values = patches.shape
    patches = normalize(patches.reshape(-1, n_values), norm_eps)
    whitened = (patches - dictionary.mean) @ dictionary.whitening
    distances = square_distances(whitened, dictionary.atoms)
    if encoding == "triangle":
        distances.clamp_(min=0).sqrt_()
        active = distances.mean(dim=1, keepdim=True).sub(distances).clamp_(min=0)
    else:
        active = torch.zeros_like(distances)
        active.scatter_(1, distances.argmin(dim=1, keepdim=True), 1)
    cells = torch.from_numpy(cell_of_position(positions, grid)).to(images.device)
    # A sum over a cell is a product with its row of ones.
    cell_ids = torch.arange(grid[0] * grid[1], device=images.device)
    member = (cells == cell_ids[:, None]).float()
    return member @ active.reshape(n_samples, -1, active.shape[1])


def cut_patches(images, size, stride):
    """All patches of images, from top left, row by row.

    Parameters
    ----------
    images : tensor of shape (n_samples, height, width, n_channels)

    Returns
    -------
    tensor of shape (n_samples, n_rows, n_cols, size * size * n_channels)
        In a patch, channels vary fastest.
    """
    windows = images.unfold(1, size, stride).unfold(2, size, stride)
    return windows.permute(0, 1, 2, 4, 5, 3).flatten(start_dim=3)


def normalize(patches, norm_eps):
    """Take brightness and contrast from patches of shape (n_patches, n_values)."""
    variance, mean = torch.var_mean(patches, dim=1, keepdim=True, correction=0)
    return (patches - mean) / (variance + norm_eps).sqrt()


def whitening(patches, eps, mirrored=None):
    """Learn to decorrelate patches.

    Parameters
    ----------
    patches : tensor of shape (n_patches, n_values)
    eps : float
        Added to every variance.
    mirrored : ndarray of shape (n_values,), optional
        Where each value comes from in a mirror image: mirror images count as patches
        too, and a mirror turns directions round or leaves them as they are.

    Returns
    -------
    mean : tensor of shape (n_values,)
    directions : tensor of shape (n_values, n_values)
        Principal axes as columns, the strongest first, over the root of their
        variance plus `eps`.
    variances : tensor of shape (n_values,)
        Of the whitened patches along these axes: ``v / (v + eps)``.
    """
    mean = patches.mean(dim=0)
    if mirrored is not None:
        mirrored = torch.from_numpy(mirrored).to(patches.device)
        mean = (mean + mean[mirrored]) / 2
    # In float64: the smallest variances are what eps is there for, not what rounds off.
    centered = (patches - mean).double()
    if mirrored is None:
        covariance = torch.cov(centered.T, correction=0)
        variances, axes = torch.linalg.eigh(torch.atleast_2d(covariance))
    else:
        covariance = centered.T @ centered / len(patches)
        covariance = (covariance + covariance[mirrored][:, mirrored]) / 2
        variances, axes = _axes_in_a_mirror(covariance, mirrored)
    variances = variances.clamp(min=0).flip(0)
    axes = axes.flip(1)
    directions = axes / (variances + eps).sqrt()
    return mean, directions.to(patches.dtype), variances / (variances + eps)


def _axes_in_a_mirror(covariance, mirrored):
    """Variances, rising, and principal axes, which a mirror keeps or turns round."""
    unit = torch.eye(len(covariance)).to(covariance)
    places = torch.arange(len(mirrored)).to(mirrored)
    found = []
    for sign, some in ((1, places <= mirrored), (-1, places < mirrored)):
        basis = unit[some] + sign * unit[mirrored[some]]
        basis /= basis.norm(dim=1, keepdim=True)
        variances, axes = torch.linalg.eigh(basis @ covariance @ basis.T)
        axes = basis.T @ axes
        # To the last bit, whatever a product rounds.
        found.append((variances, (axes + sign * axes[mirrored]) / 2))
    variances, axes = (torch.cat(parts, dim=-1) for parts in zip(*found, strict=True))
    order = variances.argsort()
    return variances[order], axes[:, order]


def learn_atoms(points, first_atoms, n_iter, advance):
    """Lloyd's k-means from given atoms.

    Parameters
    ----------
    points : tensor of shape (n_points, n_components)
    first_atoms : tensor of shape (n_atoms, n_components)
    n_iter : int
    advance : callable
        Called after every iteration.

    Returns
    -------
    tensor of shape (n_atoms, n_components)
        An atom that loses all its points stays where it was.
    """
    atoms = first_atoms.clone()
    chunk = max(1, _CHUNK_BYTES // (4 * len(atoms)))
    for _ in range(n_iter):
        sums = torch.zeros_like(atoms)
        counts = torch.zeros(len(atoms), device=atoms.device)
        squares = atoms.square().sum(dim=1)
        for part in points.split(chunk):
            # Without the squares of points, which are the same to all atoms.
            nearest = torch.addmm(squares, part, atoms.T, alpha=-2).argmin(dim=1)
            sums.index_add_(0, nearest, part)
            counts += torch.bincount(nearest, minlength=len(atoms))
        used = counts > 0
        atoms[used] = sums[used] / counts[used, None]
        advance()
    return atoms


def square_distances(points, atoms):
    """Squared distances, (n_points, n_atoms); rounding may leave them below zero."""
    squares = torch.mm(points, atoms.T).mul_(-2)
    squares += points.square().sum(dim=1, keepdim=True)
    squares += atoms.square().sum(dim=1)
    return squares
