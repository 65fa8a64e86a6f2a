"""A repository and a scripted model for the workbench: three tasks at once, one of them with seven hunks."""

from __future__ import annotations

from typing import Any

from tests.fakes.program import KNOWN_CHECK, agent, call, plan, reply, task

NAMES = ("subtotal", "discount", "shipping", "tax", "total", "label", "receipt")
BODIES = {
    "subtotal": "sum(order.values())",
    "discount": "subtotal(order) // 10",
    "shipping": "500",
    "tax": "subtotal(order) * 19 // 100",
    "total": "subtotal(order) + tax(order)",
    "label": "str(len(order))",
    "receipt": "str(total(order))",
}
BETTER = {
    "subtotal": "sum(order.values(), 0)",
    "discount": "subtotal(order) * 10 // 100",
    "shipping": "0 if subtotal(order) > 5000 else 500",
    "tax": "(subtotal(order) - discount(order)) * 19 // 100",
    "total": "subtotal(order) - discount(order) + shipping(order) + tax(order)",
    "label": 'f"{len(order)} articles"',
    "receipt": 'f"{label(order)}: {total(order)}"',
}
GOAL = "Orders add up wrongly: put discount, shipping and tax right, document them and test them."
SETTINGS = KNOWN_CHECK


def module(bodies: dict[str, str]) -> str:
    """`shop/orders.py`: seven functions, so far apart that each change is a hunk of its own."""
    parts = ['"""What an order costs, in cents."""\n\nOrder = dict[str, int]\n']
    for name in NAMES:
        kind = "str" if name in ("label", "receipt") else "int"
        parts.append(
            f"\n\ndef {name}(order: Order) -> {kind}:\n"
            f'    """The {name} of an order.\n\n    Nothing else is\n    changed by it.\n    """\n'
            f"    return {bodies[name]}\n"
        )
    return "".join(parts)


FILES = {
    "shop/__init__.py": "",
    "shop/orders.py": module(BODIES),
    "docs/orders.md": "# Orders\n\nWhat an order costs.\n",
    "tests/__init__.py": "",
    "tests/test_orders.py": (
        "import unittest\n\nfrom shop import orders\n\n\n"
        "class OrdersTest(unittest.TestCase):\n"
        "    def test_subtotal(self):\n"
        '        self.assertEqual(orders.subtotal({"book": 250, "pen": 250}), 500)\n'
    ),
    "README.md": "# shop\n\nA very small shop.\n",
}
SECOND = module({**BETTER, "tax": "(subtotal(order) - discount(order)) * TAX // 100"}).replace(
    "Order = dict[str, int]\n", "Order = dict[str, int]\nTAX = 19\n"
)


def script(*, pace_s: float = 0.0, second: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The model's words. `second` is what the first agent says after its review."""
    after = second or [reply(call("finish", summary="The review is followed."))]
    return {
        "conversations": [
            plan(
                task("orders", "Put the sums right", files=["shop/orders.py"], estimate_minutes=10),
                task("docs", "Document the sums", files=["docs/orders.md"], estimate_minutes=5),
                task("tests", "Test the sums", files=["tests/test_orders.py"], estimate_minutes=10),
            ),
            agent(
                "Put the sums right",
                reply(call("read_file", path="shop/orders.py"), text="I read the sums first.", pace_s=pace_s),
                reply(
                    call("write_file", path="shop/orders.py", content=module(BETTER)),
                    text="Seven places are wrong.",
                    pace_s=pace_s,
                ),
                reply(call("finish", summary="Seven sums are right now."), pace_s=pace_s),
                *after,
            ),
            agent(
                "Document the sums",
                reply(call("read_file", path="docs/orders.md"), pace_s=pace_s),
                reply(
                    call(
                        "edit_file",
                        path="docs/orders.md",
                        old_text="What an order costs.\n",
                        new_text="What an order costs: subtotal − discount + shipping + tax.\n",
                    ),
                    text="One sentence says it.",
                    pace_s=pace_s,
                ),
                reply(call("finish", summary="The sums are documented."), pace_s=pace_s),
            ),
            agent(
                "Test the sums",
                reply(call("read_file", path="tests/test_orders.py"), pace_s=pace_s),
                reply(
                    call(
                        "edit_file",
                        path="tests/test_orders.py",
                        old_text="        self.assertEqual(orders.subtotal",
                        new_text=(
                            "        self.assertEqual(orders.label({}), orders.label({}))\n"
                            "        self.assertEqual(orders.subtotal"
                        ),
                    ),
                    pace_s=pace_s,
                ),
                reply(call("finish", summary="The sums are tested."), pace_s=pace_s),
            ),
        ]
    }


COMMAND = "sort docs/orders.md > s.md"


def asking(command: str = COMMAND, **more: Any) -> dict[str, Any]:
    """The same words, but the second agent first asks to run a command."""
    words = script(**more)
    asked = reply(call("run_command", command=command), text="A sorted copy helps.")
    words["conversations"][2]["replies"].insert(1, asked)
    return words
