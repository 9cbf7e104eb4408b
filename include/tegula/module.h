/* Modules: a .dsl source with its imports, parsed and checked. Kernels belong to their module. */
#ifndef TEGULA_MODULE_H
#define TEGULA_MODULE_H

#include "tegula/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tg_module tg_module;
typedef struct tg_kernel tg_kernel;

/** Loads and checks a source file.
 *
 * @param path  file name; `import "./x";` inside is relative to it
 * @param out   receives the module; null on failure. Free it with tg_module_destroy
 * @return NOT_FOUND or IO (the file), COMPILE (tg_last_error has the rendered diagnostics,
 *         tg_last_diagnostics the same as JSON), OUT_OF_MEMORY, INVALID_ARGUMENT (null).
 *
 * Any thread; several loads may run at once. Nothing is compiled to machine code yet. */
TG_API tg_status tg_module_load_file(tg_context *context, const char *path, tg_module **out);

/** The same for text in memory. `name` stands for the path in messages and for relative imports;
 * `text` has `length` bytes of UTF-8 and is copied. */
TG_API tg_status tg_module_load_text(tg_context *context, const char *name, const char *text,
                                     size_t length, tg_module **out);

/** Frees the module and its kernels; null is fine. No launch of its kernels may be running. What is done with one of them later is
 * INVALID_ARGUMENT, until 64 more modules of the context have ended: a net for mistakes, nothing to build on. */
TG_API void tg_module_destroy(tg_module *module);

/** Warnings found while loading, rendered as text; "" if none. Lives as long as the module. Any
 * thread. */
TG_API const char *tg_module_warnings(const tg_module *module);

/** Number of kernels in the module itself (not its imports). Any thread. */
TG_API uint32_t tg_module_n_kernels(const tg_module *module);
/** The i-th kernel in source order; null if out of range. Borrowed. Any thread. */
TG_API tg_kernel *tg_module_kernel_at(const tg_module *module, uint32_t i);
/** A kernel by name; null if there is none, and tg_last_error names the nearest. Borrowed: lives
 * as long as the module. Any thread. */
TG_API tg_kernel *tg_module_kernel(const tg_module *module, const char *name);

#ifdef __cplusplus
}
#endif
#endif
