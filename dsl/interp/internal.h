/* What the files of the interpreter share. Read exec.c for the control flow, stream.c for the alignment of operands.
 *
 * Tiles are reference counted: a slot per SSA value holds one reference, dropped after the value's last use (plan.c), so that
 * buffers are reused while they are in the cache. Everything is owned by the pool: an unwind drops the pool.
 *
 * Lifted regions (map, reduce_fn, scan_fn): the region's scalars hold one value per point, `lift` of them, and run as if they
 * were tiles over one nameless axis; lift.c splits the points where control flow diverges. */
#ifndef TG_INTERP_INTERNAL_H
#define TG_INTERP_INTERNAL_H

#include "dsl/interp/interp.h"

#include <string.h>

enum { CHUNK = 512, MAX_AXES = 32, N_CLASSES = 100 };

/* Inner loops that pay for wider vectors; other machines and sanitizers take the plain version. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&  \
    !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

typedef struct pool_block {
    struct pool_block *prev, *next; /* all blocks */
    struct pool_block *next_free;
    size_t size; /* with this header */
    uint32_t size_class;
    bool in_use;
} pool_block;

typedef struct pool {
    const tg_allocator *allocator;
    tg_unwind *unwind;
    pool_block *all;
    pool_block *free_list[N_CLASSES];
    size_t bytes, peak, limit;
} pool;

typedef struct tensor {
    void *data;
    tg_dtype dtype;
    uint32_t rank;
    int64_t shape[TG_MAX_RANK], stride[TG_MAX_RANK];
    int64_t dense[TG_MAX_RANK]; /* strides of the shadows */
    int64_t n;
    double *value,
        *bound; /* IDEAL: see tg_interp_tensor; bound also for integers. null: memory is exact */
    double *mass, *count; /* IDEAL: atomic float adds: sum of magnitudes and their number */
    uint8_t *written;     /* check: temps */
    bool raw;
    struct tensor *next; /* raw tensors with shadows */
} tensor;

typedef struct tile {
    int32_t refs;
    tg_dtype dtype;
    bool lifted;
    int64_t n;
    double *f, *g; /* floats; complex: real and imaginary part */
    double *e;     /* IDEAL: error bound of each element (complex: of each part); null: exact */
    int64_t *i;    /* integers and bool, extended to 64 bits by their signedness */
    uint8_t *q;    /* IDEAL: 1 where an integer is uncertain; null: certain */
    tensor *tensor; /* value of tensor type */
} tile;

typedef struct shape {
    int n;
    bool lifted;
    const tg_axis *axis[MAX_AXES]; /* by rank */
    int64_t size[MAX_AXES];
    int64_t total;
} shape;

typedef struct axis_state {
    int64_t first, size, block, count;
} axis_state;

typedef struct plan {     /* per function, read only */
    uint32_t *first_kill; /* per op id: value id + 1 of the first value that dies with the op */
    uint32_t *next_kill;  /* per value id: value id + 1 */
} plan;

typedef struct interp {
    const tg_func *f;
    const tg_interp_options *o;
    const tg_interp_arg *args;
    const plan *plan;
    bool ideal, check;
    pool pool;
    tg_unwind unwind;
    tile **slot;
    axis_state *axis;
    tile **yielded; /* where the terminator of the running region puts its operands */
    bool in_lift;
    int64_t lift;
    int doubt; /* > 0: inside a branch that might not have been taken */
    int64_t
        *only; /* PAR: coordinates of the single instance to run, or null: all in row order */
    int level;
    struct instance_list *collect; /* PAR: record instances instead of running them */
    tensor *raw_tensors;
    tg_interp_stats stats;
    char *message;
    size_t message_size;
} interp;

/* pool.c */
void pool_init(pool *p, const tg_allocator *a, tg_unwind *unwind, size_t limit);
void pool_dispose(pool *p);
void pool_trim(pool *p); /* gives cached blocks of a MiB and more back */
void *pool_alloc(pool *p, int64_t count,
                 size_t size); /* never null; not zeroed; 64-byte aligned */
void *pool_zero(pool *p, int64_t count, size_t size);
void pool_free(pool *p, void *ptr);
tile *tile_new(interp *c, tg_dtype t, const shape *s,
               bool errors); /* errors: room for e or q, IDEAL only */
tile *tile_scalar(interp *c, tg_dtype t);
tile *tile_copy(interp *c, const tile *t);
static inline tile *tile_ref(tile *t) {
    return t->refs++, t;
}
void tile_unref(interp *c, tile *t);
_Noreturn void interp_fail(interp *c, tg_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static inline bool is_real(tg_dtype t) {
    return tg_dtype_is_float(t);
}
static inline bool is_complex(tg_dtype t) {
    return tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
}
static inline bool is_integer(tg_dtype t) {
    return tg_dtype_is_int(t) || t == TG_BOOL;
}
static inline bool is_unsigned64(tg_dtype t) {
    return t == TG_U64;
}

/* plan.c */
plan *plan_create(tg_arena *arena, const tg_func *f);

/* exec.c */
void exec_block(interp *c, const tg_block *b);
void exec_op(interp *c, const tg_op *op);
/* Runs a region with the given arguments; gives references to what it yields. */
void exec_region(interp *c, const tg_region *r, tile *const *args, tile **out);
static inline tile *operand(const interp *c, const tg_op *op, uint32_t i) {
    return c->slot[tg_operand(op, i)->id];
}
void set_slot(interp *c, const tg_value *v, tile *t); /* takes the reference */
int64_t scalar_int(const interp *c, const tg_op *op, uint32_t i);
axis_state domain_of(const interp *c,
                     const tg_op *op); /* first and size of V before cutting into blocks */
bool uncertain(const tile *t);         /* scalar */

/* stream.c */
shape shape_of_type(const interp *c, const tg_type *t);
shape shape_of_axes(const interp *c, tg_axis *const *axes, uint32_t n);
shape shape_of_op(const interp *c, const tg_op *op,
                  const tg_type *t);              /* lifted if an operand is */
int64_t shape_stride(const shape *s, int at);     /* row-major */
int shape_find(const shape *s, const tg_axis *a); /* -1 if absent */
shape shape_union(const interp *c, const shape *a, const shape *b);

typedef struct chunk {
    double *f, *g, *e;
    int64_t *i;
    uint8_t *q;
} chunk;
typedef struct chunk_store {
    double f[CHUNK], g[CHUNK], e[CHUNK];
    int64_t i[CHUNK];
    uint8_t q[CHUNK];
} chunk_store;
typedef enum stream_mode { STREAM_DIRECT, STREAM_CONST, STREAM_WALK } stream_mode;
typedef struct walk {
    int n;
    int64_t size[MAX_AXES], stride[MAX_AXES], pos[MAX_AXES], offset;
} walk;
typedef struct stream {
    const tile *t;
    stream_mode mode;
    bool filled;
    int64_t at;
    walk w;
    chunk_store *store;
} stream;
void walk_init(walk *w, int n, const int64_t *size,
               const int64_t *stride);   /* collapses neighbours */
int64_t walk_run(const walk *w);         /* elements left in the innermost dimension */
void walk_advance(walk *w, int64_t run); /* run <= walk_run */
void walk_offsets(walk *w, int64_t n, int64_t *out); /* next n offsets, added to out */
void stream_init(stream *s, const tile *t, const tg_type *type, const shape *over,
                 chunk_store *store);
/* The next n <= CHUNK elements. In IDEAL, e and q are never null. */
chunk stream_next(stream *s, int64_t n);
chunk chunk_of(const tile *t, int64_t at);

/* elementwise.c: kernels work on chunks; k says which types */
typedef struct kernel_facts {
    tg_opcode opcode;
    tg_enum pred;
    tg_dtype dtype, from;       /* of the result, of operand 0 */
    bool ideal, has_errors;     /* has_errors: some operand may be inexact or uncertain */
    double unit, tiny, largest; /* of dtype; unit includes the interpreter's own rounding */
    double
        slack; /* factor on the error class of elementary functions: 1, more under fast(approx) */
    int n_operands;
} kernel_facts;
typedef void (*kernel_fn)(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x);
typedef struct kernel_entry {
    kernel_fn value;
    kernel_fn error; /* IDEAL, float results: fills r->e; null: handled in value */
    bool exact;      /* the value needs no rounding */
} kernel_entry;
kernel_facts facts_of(const interp *c, tg_dtype t);
kernel_entry float_kernel(tg_opcode op);
kernel_entry math_kernel(tg_opcode op);
kernel_entry int_kernel(tg_opcode op);
kernel_entry complex_kernel(tg_opcode op);
kernel_entry convert_kernel(
    tg_opcode op); /* cmp, select, cast, bitcast, predicates, cplx, re, im, broadcast */
void exec_elementwise(interp *c, const tg_op *op);
/* What an error kernel gives where the outcome is open (a divisor that may be zero); finish_errors turns it into +inf. A bound that
 * is not finite only because the value is not means that the value's class is certain. */
#define UNSURE (-__builtin_inf())
/* An infinite value times one that may be zero, or have the other sign: NaN and both infinities are possible. */
static inline bool is_open_product(double a, double ea, double b, double eb) {
    double infinite = __builtin_inf();
    return (__builtin_fabs(a) == infinite && eb > 0 && __builtin_fabs(b) <= eb) || (__builtin_fabs(b) == infinite && ea > 0 && __builtin_fabs(a) <= ea);
}

/* Of a term of a sum. One that is infinite or NaN decides the sum, whatever the others add up to: 0. */
static inline double finite_magnitude(double x) {
    double size = __builtin_fabs(x);
    return size < __builtin_inf() ? size : 0;
}
/* How far below 1 a factor takes a product, in powers of two; their sum is the depth in the worst order: those below 1 first. */
static inline double depth_of(double x) {
    double size = __builtin_fabs(x);
    return size > 0 && size < 1 ? -__builtin_log2(size) : 0;
}
/* How far above 1; their sum is the height in the worst order. */
static inline double height_of(double x) {
    double size = finite_magnitude(x);
    return size > 1 ? __builtin_log2(size) : 0;
}
/* In some order a part of the product overflows, and others below 1, or 0, come later. */
static inline bool overflows_between(const kernel_facts *k, double depth, double height) {
    return height > __builtin_log2(k->largest) && depth > 0;
}
/* In some order a part of the product is denormal: its error, half of the smallest number, grows with every later factor above 1. */
static inline bool loses_digits(const kernel_facts *k, double depth) {
    return depth > -__builtin_log2(k->tiny / k->unit);
}
/* IDEAL: repairs bounds where r or e left the finite range of the dtype. */
void finish_errors(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x);

/* one function per group of operations */
void exec_const(interp *c, const tg_op *op);
void exec_iota(interp *c, const tg_op *op);
void exec_load(interp *c, const tg_op *op);
void exec_store(interp *c, const tg_op *op);
void exec_atomic(interp *c, const tg_op *op);
void exec_tensor(interp *c, const tg_op *op); /* dim stride temp tensor fill */
void exec_reindex(interp *c, const tg_op *op);
void exec_reindex_set(interp *c, const tg_op *op);
void exec_reduce(interp *c, const tg_op *op);
void exec_scan(interp *c, const tg_op *op);
void exec_sort(interp *c, const tg_op *op);
void exec_topk(interp *c, const tg_op *op);
void exec_histogram(interp *c, const tg_op *op);
void exec_dot(interp *c, const tg_op *op);
void exec_philox(interp *c, const tg_op *op);
void exec_map(interp *c, const tg_op *op);
void exec_reduce_fn(interp *c, const tg_op *op);
void exec_scan_fn(interp *c, const tg_op *op);
void exec_print(interp *c, const tg_op *op);
void exec_assert(interp *c, const tg_op *op);
void exec_if(interp *c, const tg_op *op);
void exec_while(interp *c, const tg_op *op);
void exec_for(interp *c, const tg_op *op);
void exec_phase(interp *c, const tg_op *op);
void exec_par(interp *c, const tg_op *op);
/* lift.c: control flow where points disagree */
void exec_if_lifted(interp *c, const tg_op *op);
void exec_while_lifted(interp *c, const tg_op *op);
void exec_pointwise(interp *c, const tg_op *op);

/* memory.c */
void tensor_init(tensor *t, tg_dtype dtype, uint32_t rank, void *data, const int64_t *extent,
                 const int64_t *stride);
void tensor_add_shadow(interp *c, tensor *t, double *value, double *bound);
typedef struct position {
    int64_t offset[CHUNK], dense[CHUNK];
    uint8_t inside[CHUNK];
} position; /* of one chunk */
typedef struct position_stream {
    const tensor *t;
    uint32_t n;
    stream index[TG_MAX_RANK];
    chunk_store store[TG_MAX_RANK];
    uint8_t q[CHUNK]; /* IDEAL: some index is uncertain */
} position_stream;
void position_init(interp *c, position_stream *s, const tg_op *op, const tensor *t,
                   const shape *over);
void position_next(position_stream *s, int64_t n, position *p);
/* Element types of memory to arrays of doubles or integers and back; offset in elements. */
/* What `part` selects of a complex element: every step-th real number from `part` on. */
typedef struct element {
    tg_dtype dtype;
    int64_t step, part;
} element;
element element_of(const tg_op *op, const tensor *t);
tensor *with_shadow(interp *c,
                    tensor *t); /* IDEAL: raw tensors get their shadow at the first store */
shape shape_of_indices(interp *c, const tg_op *op,
                       const tensor *t); /* union of the index axes */

/* load.c, store.c. Stores go to the positions inside; x is unrounded in IDEAL; q: the position is uncertain. */
void store_elements(interp *c, const tg_op *op, const tensor *t, const position *p,
                    const uint8_t *q, int64_t n, const chunk *x);
void load_elements(const tensor *t, const tg_op *op, const position *p, int64_t n,
                   const chunk *r);

/* rounding.c */
void round_array(tg_dtype t, double *x, int64_t n);
double round_value(tg_dtype t, double x);
double largest_of(tg_dtype t);  /* largest finite value */
double smallest_of(tg_dtype t); /* smallest positive value */
int64_t wrap_to(tg_dtype t, int64_t v);
void wrap_array(tg_dtype t, int64_t *x, int64_t n);

/* gemm.c: C[m][n] = sum over k of A[m][k] * B[k][n], all dense; single: rounds to f32 after each step */
void gemm_f64(int64_t m, int64_t n, int64_t k, const double *a, const double *b, double *c,
              double *panel, bool single);
int64_t gemm_panel(int64_t n, int64_t k); /* doubles of workspace */

static inline double abs_f(double x) {
    return __builtin_fabs(x);
}
static inline double max_f(double a, double b) {
    return a > b ? a : b;
}

#endif
