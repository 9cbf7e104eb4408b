/* The context: device, threads, memory, caches and the last error. Everything else is made from
 * one.
 *
 * Several contexts may exist in a process; they share nothing. Objects of one context must not
 * be used with another.
 *
 * A process may fork while no other thread is in a call of the library: the child has everything, and its first launch starts
 * threads of its own. fork() waits for compiles in the background. Only tuners stay with the parent: launches in the child do not ask
 * an attached one for more than they know already, and the child leaves it alone. */
#ifndef TEGULA_CONTEXT_H
#define TEGULA_CONTEXT_H

#include "tegula/base.h"
#include "tegula/version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tg_context tg_context;

/** Options of a context. Start from TG_CONTEXT_OPTIONS_INIT; zero or null always means the
 * default.
 *
 * The structure grows at its end only: a smaller struct_size comes from an older caller and is
 * fine, a larger one is fine if what is beyond is zero, else TG_ERROR_INVALID_ARGUMENT. */
typedef struct tg_context_options {
    size_t struct_size;
    /** "cpu". Null: the environment's TEGULA_DEVICE, else the best there is. */
    const char *device;
    /** Instruction set to compile for ("avx512", "avx2", "v2", "avx512amx", "avx512vnni", "avx2vnni"). Null: TEGULA_ARCH, else this
     * machine's. One that this processor lacks is good for compiling ahead of time; launches
     * are then TG_ERROR_UNSUPPORTED. */
    const char *arch;
    /** Threads of a launch, the caller included; more than 1024 count as 1024. 0: TEGULA_THREADS, else the processors the
     * process may use. */
    int32_t n_threads;
    /** Non-zero: bind each thread to a processor. */
    int32_t pin_threads;
    /** Directory of compiled kernels, created with mode 0700; not used if somebody else could
     * write to it. Null: TEGULA_CACHE, else $XDG_CACHE_HOME/tegula or ~/.cache/tegula. "": no
     * files. */
    const char *cache_dir;
    /** Size to which the directory is trimmed, least recently used first. 0: 512 MiB. */
    uint64_t cache_bytes;
    /** Directories for `import "a/b";`, separated by colons. Null: TEGULA_PATH, else none. */
    const char *include_path;
    /** Non-zero: refuse kernels whose result may differ between runs (L0907). */
    int32_t deterministic;
    /** Non-zero: `assert` is active, content facts (`sorted`, `unique`, bounds) are verified at
     * each launch. */
    int32_t checked;
    /** Non-zero: denormal floats are treated as zero, which some processors need for speed. */
    int32_t flush_denormals;
    /** Launches alike after which code for their shapes alone is compiled in the background, if what they work on is small, or
     * some rows have four elements or fewer: then as many fewer as it is more than 64 KiB; until it is there, launches go on
     * as before. 0: 1000. Below 0: never, nor in a context that is deterministic or checked. */
    int32_t specialise_after;
    /** Source of all memory; must outlive the context. Null: the C library. */
    const tg_allocator *allocator;
    /** Receives what kernels `print`, a line per call, never from two threads at once. Null: dropped. */
    void (*print)(void *user, const char *text, size_t length);
    void *print_user;
} tg_context_options;

#ifdef __cplusplus
#define TG_CONTEXT_OPTIONS_INIT                                                                \
    { sizeof(tg_context_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#else
#define TG_CONTEXT_OPTIONS_INIT                                                                \
    { .struct_size = sizeof(tg_context_options) }
#endif

/** Creates a context.
 *
 * @param version  TG_VERSION; the macro tg_context_create gives it. A library older than the
 *         headers refuses.
 * @param options  null: all defaults
 * @param out      receives the context; null on failure. Free it with tg_context_destroy
 * @return INVALID_ARGUMENT (version, options, unknown device, a TEGULA_ variable that should be a number and is none),
 *         OUT_OF_MEMORY, UNSUPPORTED (unknown arch). The text is in tg_last_error(NULL) and names the variable if it is one's.
 *
 * Any thread. Costs a few microseconds: threads, code generator and files are touched on first
 * use. */
TG_API tg_status tg_context_create_versioned(uint32_t version,
                                             const tg_context_options *options,
                                             tg_context **out);
#define tg_context_create(options, out)                                                        \
    tg_context_create_versioned(TG_VERSION, (options), (out))

/** Frees the context; null is fine. Modules, and launches on any thread, must have ended;
 * tensors must have been released. */
TG_API void tg_context_destroy(tg_context *context);

/** Text of the last failed call on this thread with this context; null: of one that had no context, which is a failed
 * tg_context_create and any call whose context, module, kernel, tensor or tuner was null.
 *
 * Compile errors are rendered with source lines and carets. Never null; "" if nothing failed.
 * Valid until the next failing call on the same thread or the context's end. Any thread. */
TG_API const char *tg_last_error(const tg_context *context);

/** The diagnostics of the last failed compile on this thread as a JSON array; "[]" if it was no
 * compile error. Lifetime as tg_last_error. */
TG_API const char *tg_last_diagnostics(const tg_context *context);

/** Device name ("cpu"), instruction set ("avx512"), threads of a launch. Any thread. */
TG_API const char *tg_context_device(const tg_context *context);
TG_API const char *tg_context_arch(const tg_context *context);
TG_API int32_t tg_context_n_threads(const tg_context *context);
/** The directory of compiled kernels, or null if none is in use. Any thread. */
TG_API const char *tg_context_cache_dir(const tg_context *context);

#ifdef __cplusplus
}
#endif
#endif
