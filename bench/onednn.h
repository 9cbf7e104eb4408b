/* oneDNN 2.x by its C interface, loaded at run time. What a suite's peer needs: make one primitive whose operands are
 * plain tensors of ours, in the layouts that the primitive asks for. */
#ifndef TG_BENCH_ONEDNN_H
#define TG_BENCH_ONEDNN_H

#include "bench/peers.h"

/* Values of the library's enumerations (fixed within version 2). */
enum {
    DNNL_BF16 = 2,
    DNNL_F32 = 3,
    DNNL_S32 = 4,
    DNNL_S8 = 5,
    DNNL_U8 = 6,
    DNNL_TAG_ANY = 1,
    DNNL_FORWARD_INFERENCE = 96,
    DNNL_CONV_DIRECT = 1,
    DNNL_CONV_WINOGRAD = 2,
    DNNL_ELTWISE_LINEAR = 127,
    DNNL_ELTWISE_EXP = 191,
    DNNL_ELTWISE_GELU_TANH = 207,
    DNNL_BINARY_ADD = 131056,
    DNNL_REDUCTION_SUM = 196596,
    DNNL_QUERY_SRC = 129,
    DNNL_QUERY_WEIGHTS = 131,
    DNNL_QUERY_DST = 133,
    DNNL_ARG_SRC = 1,
    DNNL_ARG_SRC_1 = 2,
    DNNL_ARG_DST = 17,
    DNNL_ARG_WEIGHTS = 33,
    DNNL_ARG_SCALE = 51,
    DNNL_ARG_SHIFT = 52,
};

/* The library's descriptors: at most 696 and 6000 bytes in 2.6. */
typedef struct onednn_md {
    _Alignas(16) unsigned char bytes[2048];
} onednn_md;
typedef struct onednn_desc {
    _Alignas(16) unsigned char bytes[32768];
} onednn_desc;

typedef struct version {
    int major, minor, patch;
    const char *hash;
    unsigned cpu_runtime, gpu_runtime;
} version;
typedef struct exec_arg {
    int arg;
    void *memory;
} exec_arg;

typedef struct onednn {
    void *engine, *stream;
#define FN(type, name, params) type(*name) params;
#include "bench/peer_onednn.def"
#undef FN
} onednn;

/* Null: the library is not there, or not of version 2. */
const onednn *bench_onednn(void);

enum { ONEDNN_MAX_ARGS = 5 };

/* A primitive and its operands. */
typedef struct onednn_op {
    const onednn *lib;
    void *pd, *primitive;
    exec_arg args[ONEDNN_MAX_ARGS];
    int n_args;
    void *back, *plain_out; /* reorder of the result to the plain layout; null: it is plain */
    int threads;
} onednn_op;

/* A layout: row-major, or as the primitive likes it. False: the library refuses it. */
bool onednn_plain(onednn_md *md, int rank, const int64_t *dims, int type);
bool onednn_any(onednn_md *md, int rank, const int64_t *dims, int type);

bool onednn_strided(onednn_md *md, int rank, const int64_t *dims, int type,
                    const int64_t *strides);

bool onednn_make(onednn_op *op, const onednn_desc *desc, int threads);
/* The same with the result multiplied by `scale`. */
bool onednn_make_scaled(onednn_op *op, const onednn_desc *desc, int threads, float scale);
/* Operand `arg` whose values lie at `data` in layout `plain`. `query`: what the primitive asks for, so that it is
 * converted now if that is another layout; 0: it takes `plain`. The result (DNNL_ARG_DST) is converted by fetch. */
bool onednn_operand(onednn_op *op, int arg, int query, const onednn_md *plain, void *data);
/* Adds the primitive as a contender; takes it over. `ready` false: frees it, the library cannot do the case. */
void onednn_add(bench_plan *p, const char *name, onednn_op *op, bool ready, const void *result);
void onednn_free(void *op);
double onednn_run(void *op, int64_t calls);

/* Primitives that run one after the other. */
enum { ONEDNN_MAX_STEPS = 3 };
typedef struct onednn_steps {
    onednn_op op[ONEDNN_MAX_STEPS];
    int n;
} onednn_steps;
/* The next step: `desc` is what onednn_make takes. Null: it cannot be made. */
onednn_op *onednn_step(onednn_steps *s, const onednn_desc *desc, int threads, float scale);
/* As onednn_add. */
void onednn_add_steps(bench_plan *p, const char *name, onednn_steps *s, bool ready,
                      const void *result);

#endif
