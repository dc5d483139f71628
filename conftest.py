"""What the tests and the notebooks run with: a quiet TensorFlow, and programs that are compiled in haste.

It is set before anything imports TensorFlow, and reaches the processes that run notebooks; but for the collector.
"""

import gc
import os

gc.set_threshold(10_000, 10, 20)  # by itself Python goes through all of TensorFlow and its graphs every few tests
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Small loops, each run once: compiling is all the time there is, and XLA keeps the memory maps of all that it compiled.
IN_HASTE = [
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_parallel_codegen_split_count=1",
    "--xla_cpu_use_fusion_emitters=false",
]
if os.environ.get("KERAS_BACKEND") != "torch":
    os.environ.setdefault("XLA_FLAGS", " ".join(IN_HASTE))
