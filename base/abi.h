/* The contract between generated CPU code and the runtime: what a compiled kernel is called with and may call back.
 * Ahead-of-time objects use exactly this table, so its layout is versioned and only grows at the end.
 *
 *   entry(rt, args)                                    once per launch, on the launching thread
 *     evaluates launch-level code; per phase: rt->parallel(rt, task, frame, n_tasks, scratch_bytes)
 *       task(frame, begin, end, worker)                 on any thread: instances begin … end-1 of the phase
 *
 * args[i] is a `const tg_tensor_arg *` for a tensor parameter (never null; data null if absent) or a pointer to the 8-byte value
 * of a scalar: integers sign- or zero-extended to 64 bits, bool 0/1, f16/bf16/f32/f64 all as double, ptr as u64. */
#ifndef TG_BASE_ABI_H
#define TG_BASE_ABI_H

#include "base/signature.h"

#define TG_ABI_VERSION 7

typedef struct tg_worker {
    void *scratch;         /* at least scratch_bytes of the phase, 64-byte aligned; contents unspecified */
    int64_t scratch_bytes;
    int32_t index;         /* 0 … n_threads-1 */
    int32_t failed;        /* set by fail(): generated code may stop early */
    /* more scratch during one instance (tiles of dynamic extent); bump allocated, 64-byte aligned, released by reset().
     * null on failure, which has already been recorded: the instance returns. */
    void *(*alloc)(struct tg_worker *w, int64_t bytes);
    void (*reset)(struct tg_worker *w); /* end of an instance */
    void *owner;
    /* Copies for products (base/packing.h), of elements as bits; sizes and steps in bytes but for points and rows.
     * Panels: `points` lines of `columns` bytes, `step` apart, in pieces of `width`, a multiple of 16: piece i goes to to + i · panel,
     * its lines one after the other. The last piece is filled up with zeros. */
    void (*pack_panels)(void *to, int64_t panel, const void *from, int64_t step, int64_t points, int64_t columns, int64_t width);
    /* Tiles: `until` rows, `row_step` apart, of `points` elements of 4 or 8 bytes, `point_step` apart, by `height`: of each tile point 0 of all
     * rows, then point 1 … Of the rows from `from` on `rows` exist; what is beyond repeats the last. */
    void (*pack_tiles)(void *to, const void *from, int64_t row_step, int64_t point_step, int64_t points, int64_t rows, int64_t until, int64_t height,
                       int64_t size);
} tg_worker;

/* kinds[] of print: one 8-byte cell each, two for a complex value (both f64); with TILE one cell, the address of a
 * tg_print_tile whose values are of that kind. */
enum { TG_PRINT_SIGNED = 0, TG_PRINT_UNSIGNED = 1, TG_PRINT_FLOAT = 2, TG_PRINT_BOOL = 3, TG_PRINT_COMPLEX = 4, TG_PRINT_TILE = 16 };
enum { TG_PRINT_POINTS = 64 }; /* of a tile: more are not shown */

/* The first points of a tile, the last axis running fastest; an axis runs from first to first + size - 1. */
typedef struct tg_print_tile {
    int64_t rank, first[8], size[8];
    int64_t values[TG_PRINT_POINTS][2]; /* cells; the second of complex values only */
} tg_print_tile;

/* A product that is all of a phase, and how its grid is cut. All are positive. */
typedef struct tg_product {
    int64_t columns, rows, points;                    /* extents of the grid's two axes, 1 where it has no such, and of the reduction */
    int64_t others;                                   /* tasks that further axes of the grid make */
    int64_t width, height, lanes;                     /* of a register tile in elements, and of its vectors */
    int64_t group, speed;                             /* points that an element of a vector holds; vectors multiplied and added in a cycle */
    int64_t column_bytes, row_bytes, sum_bytes;       /* of an element of either operand and of the sums */
    int64_t packs_rows;                               /* 1: they are copied, like the columns; 0: read in place */
    int64_t most_rows;                                /* of a block */
    int64_t column_block, row_block;                  /* the answer */
} tg_product;

typedef int32_t (*tg_task_fn)(const void *frame, int64_t begin, int64_t end, tg_worker *worker);

typedef struct tg_rt {
    int32_t abi_version, n_threads;
    /* Runs all tasks, returns after the last (a barrier). 0, or a tg_status that the entry returns at once. */
    int32_t (*parallel)(const struct tg_rt *rt, tg_task_fn fn, const void *frame, int64_t n_tasks, int64_t scratch_bytes);
    /* Workspace of this launch, 64-byte aligned, freed by the runtime when the entry returns; null if out of memory. */
    void *(*workspace)(const struct tg_rt *rt, int64_t bytes);
    /* `print` and `assert` (below): text is made by generated code calling these with values widened to i64 or f64. */
    void (*fail)(const struct tg_rt *rt, int32_t status, const char *message);
    void (*print)(const struct tg_rt *rt, const char *format, const void *values, const uint8_t *kinds, int32_t n);
    void *owner;
    /* An `assert` is false: L0908 with this text. */
    void (*fail_assert)(const struct tg_rt *rt, const char *format, const void *values, const uint8_t *kinds, int32_t n);
    /* Chooses the product's blocks for as many threads (base/sharing.h). */
    void (*share_product)(tg_product *p, int64_t threads);
    /* As parallel, for phases of a few microseconds, in few tasks: no thread is woken for them, unless many of them follow each other.
     * frame: so many bytes, which may be copied. */
    int32_t (*parallel_awake)(const struct tg_rt *rt, tg_task_fn fn, const void *frame, int64_t n_tasks, int64_t scratch_bytes, int64_t frame_bytes);
} tg_rt;

/* The text of `print` and `assert`: `{}` and `{:.3f}` style fields filled from values widened to 8 bytes, tiles as
 * `{[0, 2]: 1.5, [0, 3]: 2}`. Returns the length; writes at most size bytes with the NUL. */
size_t tg_format_print(char *out, size_t size, const char *format, const void *values, const uint8_t *kinds, int32_t n);

/* What an entry may return beside a tg_status: it was compiled for unit last strides (TG_STRIDES_USUAL), the tensors
 * differ, and nothing but fills has run. The caller launches the general code instead. */
#define TG_ENTRY_NEEDS_GENERAL 1000

typedef int32_t (*tg_entry_fn)(const tg_rt *rt, const void *const *args);

#endif
