/* One-dimensional complex transforms of one length and sign: which kernels, which tables. fft_plan.c builds transforms of tensors
 * from them.
 *
 *   IDENTITY    length 1
 *   DIRECT      prime factors up to 13, up to 4096: all passes in one instance
 *   LARGE       longer ones of that kind: P Q, columns and rows of a matrix
 *   RADER       a prime N whose N - 1 is of that kind and fits an instance: a cyclic convolution of length M = N - 1
 *   BLUESTEIN   any other length: a cyclic convolution of length M >= 2 N - 1, in one instance
 *   CHIRP       the same when M is too long for an instance: transforms of length M by another axis */
#ifndef TG_STDLIB_FFT_AXIS_H
#define TG_STDLIB_FFT_AXIS_H

#include <stdatomic.h>

#include "stdlib/fft_ready.h"

/* Memory between the steps of a transform. A plan keeps what its last execution used, as new memory costs more than the transform of
 * it; executions at the same time have memory of their own. */
enum { TG_FFT_WORK_SLOTS = 3 };
typedef struct tg_fft_work {
    _Atomic(tg_tensor *) slot[TG_FFT_WORK_SLOTS];
    _Atomic(tg_fft_ready *) ready; /* of a transform of one launch */
    _Atomic uint32_t n_launched;   /* about; no more is counted once one is ready */
} tg_fft_work;

/* A tensor of at least n elements, contents unspecified; null: out of memory. Give it back to the same slot. Any thread. */
tg_tensor *tg_fft_work_take(tg_fft_work *w, uint32_t slot, tg_context *context, tg_dtype dtype, int64_t n);
void tg_fft_work_give(tg_fft_work *w, uint32_t slot, tg_tensor *t); /* null is fine */
void tg_fft_work_clear(tg_fft_work *w, tg_context *context);

/* n rows, or planes, as parts that run at the same time, each on one thread, whose caches then hold what is between its launches: as many as threads, or 1 if the threads would not
 * have the same number. */
int64_t tg_fft_n_parts(const tg_context *context, int64_t n);
typedef tg_status (*tg_fft_part_fn)(const void *of, int64_t part, int64_t from, int64_t n);
tg_status tg_fft_run_parts(tg_context *context, int64_t n, tg_fft_part_fn run, const void *of);

/* Rows side by side in lanes: four beside places of a pass (fft_beside), or one in each of eight lanes (fft_across). Zen 3 moves numbers across the
 * 128-bit lanes of vectors of 256 bits on one port, which the first takes for all accesses. */
static inline int64_t tg_fft_rows_beside(const tg_context *context) {
    return context->machine.vector_bits == 256 ? 8 : 4;
}

typedef enum tg_fft_method {
    TG_FFT_IDENTITY,
    TG_FFT_DIRECT,
    TG_FFT_LARGE,
    TG_FFT_RADER,
    TG_FFT_BLUESTEIN,
    TG_FFT_CHIRP
} tg_fft_method;

typedef struct tg_fft_axis {
    tg_context *context;
    tg_dtype dtype; /* c32 or c64 */
    int sign;
    tg_fft_method method;
    int64_t n, p, q, m;
    int64_t beside; /* DIRECT: rows that are transformed side by side, where there are as many; 0: each on its own */
    int64_t line; /* columns that are transformed side by side */
    int64_t last; /* radix of the last pass, 8 or 16; 24: 8, see next_radix of std/fft.dsl */
    tg_tensor
        *w[2]; /* DIRECT: factors; LARGE: of P and Q; RADER, BLUESTEIN: of M forward and backward */
    tg_tensor *turn[2];                     /* LARGE: factors of columns */
    tg_tensor *chirp, *filter;              /* BLUESTEIN and CHIRP; RADER: the filter */
    tg_tensor *powers[2];                   /* RADER: of a generator modulo N, and of its inverse */
    struct tg_fft_axis *forward, *backward; /* CHIRP: of length M */
    tg_fft_work *work;                      /* LARGE, CHIRP; what changes during execution stays outside */
} tg_fft_axis;

/* Groups with a row in each lane? */
static inline bool tg_fft_is_across(const tg_fft_axis *a) { return a->beside == 8; }

/* LARGE: columns and blocks of rows of the matrix between the halves, see fft_split. */
static inline int64_t tg_fft_columns(const tg_fft_axis *a) { return (a->q + a->line - 1) / a->line * a->line; }
static inline int64_t tg_fft_row_blocks(const tg_fft_axis *a) { return (a->p + a->line - 1) / a->line; }

/* What rows of a dimension are transformed with: fft_rows, groups of them where their number is known to be a
 * multiple of tg_fft_rows_beside, one of the kernels of real rows, or another that has its tables. */
typedef enum tg_fft_use { TG_FFT_AS_ROWS, TG_FFT_AS_GROUPS, TG_FFT_AS_COLUMNS, TG_FFT_AS_R2C, TG_FFT_AS_C2R, TG_FFT_AS_PART } tg_fft_use;
/* Begins to compile what executions will launch, while the tables are made. */
void tg_fft_axis_compile_ahead(const tg_fft_axis *a, tg_fft_use use, bool normalise);
/* The same for planes whose axes, TG_FFT_AS_PART, are one launch. */
void tg_fft_planes_compile_ahead(const tg_fft_axis *columns, const tg_fft_axis *rows, bool normalise);
/* Fills `a`, runs the kernels that make its tables. On failure what was made is for tg_fft_axis_clear to free. */
tg_status tg_fft_axis_init(tg_fft_axis *a, tg_context *context, tg_dtype dtype, int64_t n,
                           int sign, tg_fft_use use, bool normalise);
void tg_fft_axis_clear(tg_fft_axis *a); /* zeroed or initialised */

/* The launch that tg_fft_axis_rows is for these tensors; false if it takes more than one, or none. */
bool tg_fft_axis_call(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y, bool normalise, tg_fft_call *out);
/* y[i, c] = transform of x[i, c], both [A, C, N] with any strides; `normalise` divides by N. They must not overlap. */
tg_status tg_fft_axis_rows(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y,
                           bool normalise);
/* The same for tensors [A, N, C]: along the middle. */
tg_status tg_fft_axis_columns(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y,
                              bool normalise);
/* The same from y to itself, if the axis can. */
static inline bool tg_fft_axis_is_in_place(const tg_fft_axis *a) { return a->method == TG_FFT_DIRECT; }
tg_status tg_fft_axis_columns_in_place(const tg_fft_axis *a, tg_tensor *y, bool normalise);

/* (fft_tables.c) Tables in f32 or f64, any strides; false: out of memory.
 * w [2, K, M]: factors of the pass of radix K + 1 over M groups, exp(sign 2 pi i p k / ((K + 1) M)) in w[0, k - 1, p] and w[1, k - 1, p]. With
 * least > 0 the radix is 2, 4, 8 or 16 and they are those of levels of pairs (std/fft.dsl), cosine and tangent. A cosine of 0 becomes `least`, which
 * has to be less than a rounding, but so that numbers are not too large when they are multiplied by 1 / least.
 * f [2, P, Q]: exp(sign 2 pi i step p q / n). */
bool tg_fft_fill_twiddles(tg_tensor *w, int sign, double least);
bool tg_fft_fill_factors(tg_tensor *f, int64_t n, int64_t step, int sign);

enum { TG_FFT_MOST_PRIME = 13 }; /* largest odd radix */
bool tg_fft_is_smooth(int64_t n, int64_t most); /* no prime factor above `most`, at most 13? */
bool tg_fft_is_row_major(const tg_tensor *t);
/* Rows as [A, C, N]: at most two leading dimensions, or row-major; else false. */
bool tg_fft_as_rows(const tg_tensor *t, tg_tensor *out);
/* Rows [A, C, 2 N] of reals as N pairs; false if the strides do not allow it, *out is then not to be used. */
bool tg_fft_as_pairs(const tg_tensor *t, tg_dtype dtype, tg_tensor *out);
/* A tensor on the stack over the memory of another; valid as long as that one. Strides null: row-major. */
tg_tensor tg_fft_view(const tg_tensor *of, uint32_t rank, const int64_t *shape,
                      const int64_t *stride);

#endif
