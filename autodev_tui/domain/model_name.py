"""What a model's name tells by itself."""

from __future__ import annotations


def is_remote(name: str) -> bool:
    """Whether a name of Ollama's is that of a model in the vendor's cloud, as in `gpt-oss:120b-cloud`.

    Others may work elsewhere too: only their server knows.
    """
    tag = name.rpartition(":")[2].lower() if ":" in name else ""
    return tag == "cloud" or tag.endswith("-cloud")
