"""The gradient of a function of one array, by PyTorch."""

import torch


def gradient(function, at):
    """The derivative of `function(array)`, a number, as an array like `at`."""
    point = torch.tensor(at, requires_grad=True)
    return torch.autograd.grad(function(point), point)[0].numpy()
