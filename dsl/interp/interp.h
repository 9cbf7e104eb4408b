/* The reference interpreter of tile IR: it defines what a function means, and every other way to run one is compared with it.
 *
 * A tile value is a dense array over the valid indices of its axes, row-major in rank order; nothing exists outside.
 * Two ways to carry floats:
 *   EXACT  every operation rounds to its dtype; sums and dots accumulate in ascending index order
 *   IDEAL  floats are carried unrounded in f64, with a bound on how far any legal evaluation in the function's own dtypes can be
 *          from that value. Legal are all orders of reductions and the error classes of language.md section 8. The bound is
 *          +inf where the outcome of a comparison, a conversion to an integer or a branch is within the error: "not checkable".
 *          An infinite or NaN value with bound 0 says that the class of the result is certain.
 * compare.c turns (value, bound) and an actual result into a verdict.
 *
 * Thread safety: calls are independent; one call uses the allocator from n_threads threads. */
#ifndef TG_INTERP_H
#define TG_INTERP_H

#include "base/signature.h"
#include "dsl/ir/ir.h"

typedef enum tg_interp_mode { TG_INTERP_EXACT, TG_INTERP_IDEAL } tg_interp_mode;

/* order of the instances of a phase: a difference between two orders shows a store that is not injective */
typedef enum tg_interp_order {
    TG_INTERP_ROW,
    TG_INTERP_REVERSE,
    TG_INTERP_RANDOM
} tg_interp_order;

typedef struct tg_interp_stats {
    int64_t ops;        /* operations executed */
    int64_t instances;  /* grid instances executed */
    int64_t uncertain;  /* IDEAL: branches whose condition was within the error */
    int64_t peak_bytes; /* largest sum of tile memory of one thread */
} tg_interp_stats;

typedef struct tg_interp_options {
    tg_interp_mode mode;
    tg_interp_order order;
    uint64_t seed; /* RANDOM order */
    /* Reports with TG_ERROR_LAUNCH: false `assert` and `assume`, reading an element of a temp that was never written, a store
     * outside its tensor at an index that came from memory. */
    bool check;
    int64_t max_ops; /* 0: no limit; else TG_ERROR_LAUNCH when reached (runaway `while`) */
    size_t
        max_bytes; /* memory for tiles and shadows; 0: 8 GiB. Beyond it: TG_ERROR_OUT_OF_MEMORY */
    int64_t
        grid_block; /* > 0: largest block of a grid axis, for functions that are not block-dependent */
    int32_t
        n_threads; /* > 1: ROW order, phases without atomics and prints run on this many threads */
    void (*print)(void *user, const char *text,
                  size_t n); /* output of `print`; null: dropped */
    void *print_user;
    tg_interp_stats *stats; /* may be null */
} tg_interp_options;

typedef struct tg_interp_tensor {
    tg_tensor_arg arg;
    tg_dtype dtype;
    /* IDEAL, tensors that the function writes; both or none, dense row-major over the shape. Floats and complex numbers: value
     * receives the unrounded element (complex: pairs), bound its error bound (one per element). Integers: value is not touched,
     * bound is 0 or +inf. Elements that are not stored keep their value with bound 0. */
    double *value, *bound;
} tg_interp_tensor;

typedef struct tg_interp_arg {
    tg_interp_tensor tensor; /* IN, OUT, INOUT; data null if absent or empty */
    tg_scalar scalar;        /* SCALAR: of the parameter's dtype; PTR: the address in i */
} tg_interp_arg;

/* Runs f on args (one per parameter of f, absent and const ones included). On failure `message` (may be null) says why:
 * LAUNCH (a check failed, max_ops), OUT_OF_MEMORY, INVALID_ARGUMENT, UNSUPPORTED. Tensors may then be partly written. */
tg_status tg_interp_run(const tg_func *f, const tg_interp_arg *args,
                        const tg_interp_options *options, const tg_allocator *allocator,
                        char *message, size_t message_size);

/* ---- comparing -------------------------------------------------------------------------- */

typedef struct tg_compare_result {
    int64_t n; /* elements */
    int64_t n_failed;
    int64_t n_unverifiable; /* bound +inf (or a NaN bound) */
    int64_t first_failed;   /* row-major ordinal, -1 if none */
    double max_error;       /* largest |actual - value| over finite elements */
    double max_ratio;       /* largest |actual - value| / bound, over elements with bound > 0 */
    double actual, value, bound; /* of the first failed element */
} tg_compare_result;

/* Compares an actual tensor with (value, bound) of an IDEAL run. `value` null: integers, compared with `expected` (a dense
 * or strided tensor of the same shape) exactly where bound is 0. Also accepts half a unit of `dtype` for storing the element. */
tg_compare_result tg_compare_tensor(tg_dtype dtype, uint32_t rank, const tg_tensor_arg *actual,
                                    const tg_tensor_arg *expected, const double *value,
                                    const double *bound);
/* Index of row-major ordinal `at` in `shape`. */
void tg_compare_index(uint32_t rank, const int64_t *shape, int64_t at, int64_t *index);

#endif
