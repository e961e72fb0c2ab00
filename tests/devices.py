"""A device that knows no float64, as Apple's MPS, by simulation."""

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

TAKEN = (torch.ops.aten.detach, torch.ops.aten.lift_fresh)  # over from NumPy, on the CPU still
REFUSED = "Cannot convert a MPS Tensor to float64 dtype"


def _refuse_float64(*values: object) -> None:
    for value in tree_leaves(values):
        is_tensor = isinstance(value, torch.Tensor) and value.ndim  # numbers stay on the CPU
        if is_tensor and value.dtype in (torch.float64, torch.complex128):
            raise TypeError(REFUSED)


class NothingDouble(TorchDispatchMode):
    """No tensor of the block is float64, as if all of it happened on the device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        if func.overloadpacket not in TAKEN:
            _refuse_float64(found)
        return found


class NoDoubleMoved(TorchFunctionMode):
    """No float64 comes to a device; what happens on the CPU afterwards may be one."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if any(isinstance(value, torch.device) for value in (*args[1:], *kwargs.values())):
            _refuse_float64(args[:1] if func is torch.Tensor.to else ())
            if kwargs.get("dtype") == torch.float64:
                raise TypeError(REFUSED)
        return func(*args, **kwargs)
