"""What the tests need of PyTorch itself: gradients."""

import torch


def gradients(loss, inputs, variables, compiled=False):
    """The loss `loss(*inputs)` and its gradients by each of `inputs` (arrays) and `variables` (of Keras), as arrays.

    PyTorch has no graph to compile here; `compiled` changes nothing.
    """
    tensors = [torch.tensor(array, requires_grad=True) for array in inputs]
    sources = [*tensors, *(variable.value for variable in variables)]
    value = loss(*tensors)
    slopes = torch.autograd.grad(value, sources, allow_unused=True)
    return float(value), [(torch.zeros_like(a) if slope is None else slope).detach().numpy()
                          for a, slope in zip(sources, slopes, strict=True)]
