"""JAX's store of compiled programs."""

import jax

VERSION = jax.__version__


def keep(folder):
    known = jax.config.jax_compilation_cache_dir
    if known and known != str(folder):
        raise RuntimeError(f"jax_compilation_cache_dir says already where compiled programs are kept: {known}")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
