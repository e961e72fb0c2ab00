"""A network of somebody else's making is built within bounds, whatever its card asks for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor
from torch.overrides import TorchFunctionMode

from common.config import UserError

LIMIT = 8_000_000_000  # bytes; the largest encoder, ViT-H, has 2.5 GB of random weights
LEAST = 100_000  # bytes that any tensor counts for: there must not be millions of them either

FILLED_LATER = ContextVar("a checkpoint's tensors follow; no others need be read", default=False)


class _Counted(TorchFunctionMode):
    """Adds up the tensors that are made from nothing, each before it is filled."""

    made = 0

    def __torch_function__(
        self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and not any(isinstance(part, Tensor) for part in args):
            self.made += max(LEAST, result.nbytes if result.device.type != "meta" else 0)
            if self.made > LIMIT:
                raise UserError(f"the network that it describes has more than {LIMIT:,} bytes")
        return result


@contextmanager
def bounded(name: object) -> Iterator[None]:
    """A block that builds the network of a checkpoint, `FILLED_LATER`.

    What goes wrong in it is the fault of the file ``name``.

    Raises:
        UserError: it takes more than `LIMIT` bytes, or cannot be built.
    """
    before = FILLED_LATER.set(True)
    try:
        with _Counted():
            yield
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    except Exception as error:  # there are as many kinds as there are ways to misuse a network
        reason = str(error).partition("\n")[0][:120]
        raise UserError(f"{name}: describes no network that can be built ({reason})") from None
    finally:
        FILLED_LATER.reset(before)
