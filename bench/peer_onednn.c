/* See onednn.h. The contenders of matrix products and rows. */
#include <string.h>

#include "bench/onednn.h"

/* ---- the library -------------------------------------------------------------------------------------------- */

static bool load(onednn *lib) {
    static const char *const names[] = {"libdnnl.so.2", NULL};
    void *handle = bench_library(names);
    bool found = handle != NULL;
#define FN(type, name, params) found = found && bench_symbol(handle, "dnnl_" #name, &lib->name);
#include "bench/peer_onednn.def"
#undef FN
    enum { CPU = 1, DEFAULT_ORDER = 1 };
    return found && lib->version()->major == 2 &&
           lib->engine_create(&lib->engine, CPU, 0) == 0 &&
           lib->stream_create(&lib->stream, lib->engine, DEFAULT_ORDER) == 0;
}

const onednn *bench_onednn(void) {
    static onednn lib;
    static bool tried, there;
    if (!tried) {
        tried = true;
        there = load(&lib);
    }
    return there ? &lib : NULL;
}

const char *bench_onednn_version(void) {
    static char text[48];
    const onednn *lib = bench_onednn();
    if (!lib) {
        return NULL;
    }
    const version *v = lib->version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

/* ---- primitives --------------------------------------------------------------------------------------------- */

bool onednn_strided(onednn_md *md, int rank, const int64_t *dims, int type,
                    const int64_t *strides) {
    return bench_onednn()->memory_desc_init_by_strides(md, rank, dims, type, strides) == 0;
}

bool onednn_plain(onednn_md *md, int rank, const int64_t *dims, int type) {
    return onednn_strided(md, rank, dims, type, NULL);
}

bool onednn_any(onednn_md *md, int rank, const int64_t *dims, int type) {
    return bench_onednn()->memory_desc_init_by_tag(md, rank, dims, type, DNNL_TAG_ANY) == 0;
}

static bool make(onednn_op *op, const onednn_desc *desc, int threads, const void *attr) {
    *op = (onednn_op){.lib = bench_onednn(), .threads = threads};
    bench_openmp_threads(threads); /* the library plans for the threads there are */
    return op->lib->primitive_desc_create(&op->pd, desc, attr, op->lib->engine, NULL) == 0 &&
           op->lib->primitive_create(&op->primitive, op->pd) == 0;
}

bool onednn_make(onednn_op *op, const onednn_desc *desc, int threads) {
    return make(op, desc, threads, NULL);
}

bool onednn_make_scaled(onednn_op *op, const onednn_desc *desc, int threads, float scale) {
    const onednn *lib = bench_onednn();
    void *attr;
    if (lib->primitive_attr_create(&attr)) {
        return false;
    }
    bool made = lib->primitive_attr_set_output_scales(attr, 1, 0, &scale) == 0 &&
                make(op, desc, threads, attr);
    lib->primitive_attr_destroy(attr);
    return made;
}

/* A primitive that converts layouts; null: there is none. */
static void *make_reorder(const onednn *lib, const void *from, const void *to) {
    void *pd, *primitive = NULL;
    if (lib->reorder_primitive_desc_create(&pd, from, lib->engine, to, lib->engine, NULL) ==
        0) {
        if (lib->primitive_create(&primitive, pd)) {
            primitive = NULL;
        }
        lib->primitive_desc_destroy(pd);
    }
    return primitive;
}

static bool reorder(const onednn *lib, void *primitive, void *from, void *to) {
    exec_arg args[] = {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}};
    return lib->primitive_execute(primitive, lib->stream, 2, args) == 0 &&
           lib->stream_wait(lib->stream) == 0;
}

static void *const allocate = (void *)-1; /* DNNL_MEMORY_ALLOCATE */

/* The operand in the layout `wanted`, which is not the plain one. */
static bool convert(onednn_op *op, int arg, const void *wanted, const onednn_md *plain,
                    void *plain_memory, void **memory) {
    const onednn *lib = op->lib;
    if (lib->memory_create(memory, wanted, lib->engine, allocate)) {
        return false;
    }
    op->args[op->n_args++] = (exec_arg){arg, *memory};
    if (arg == DNNL_ARG_DST) {
        op->plain_out = plain_memory;
        op->back = make_reorder(lib, wanted, plain);
        return op->back != NULL;
    }
    void *primitive = make_reorder(lib, plain, wanted);
    bool done = primitive && reorder(lib, primitive, plain_memory, *memory);
    if (primitive) {
        lib->primitive_destroy(primitive);
    }
    lib->memory_destroy(plain_memory);
    return done;
}

bool onednn_operand(onednn_op *op, int arg, int query, const onednn_md *plain, void *data) {
    const onednn *lib = op->lib;
    const void *wanted = query ? lib->primitive_desc_query_md(op->pd, query, 0) : plain;
    void *plain_memory, *memory;
    if (!wanted || lib->memory_create(&plain_memory, plain, lib->engine, data)) {
        return false;
    }
    if (lib->memory_desc_equal(wanted, plain)) {
        op->args[op->n_args++] = (exec_arg){arg, plain_memory};
        return true;
    }
    return convert(op, arg, wanted, plain, plain_memory, &memory);
}

double onednn_run(void *user, int64_t calls) {
    onednn_op *op = user;
    bench_openmp_threads(op->threads);
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        if (op->lib->primitive_execute(op->primitive, op->lib->stream, op->n_args, op->args)) {
            return -1;
        }
    }
    op->lib->stream_wait(op->lib->stream);
    return bench_now() - start;
}

static void fetch(void *user) {
    onednn_op *op = user;
    for (int i = 0; i < op->n_args && op->back; i++) {
        if (op->args[i].arg == DNNL_ARG_DST) {
            reorder(op->lib, op->back, op->args[i].memory, op->plain_out);
        }
    }
}

void onednn_free(void *user) {
    onednn_op *op = user;
    const onednn *lib = op->lib;
    for (int i = 0; i < op->n_args; i++) {
        lib->memory_destroy(op->args[i].memory);
    }
    if (op->plain_out) {
        lib->memory_destroy(op->plain_out);
    }
    if (op->back) {
        lib->primitive_destroy(op->back);
    }
    if (op->primitive) {
        lib->primitive_destroy(op->primitive);
    }
    if (op->pd) {
        lib->primitive_desc_destroy(op->pd);
    }
}

void onednn_add(bench_plan *p, const char *name, onednn_op *op, bool ready,
                const void *result) {
    if (!ready) {
        onednn_free(op);
        return;
    }
    bench_contender *c = bench_plan_add(p, name, BENCH_PEER, onednn_run, op, sizeof *op);
    c->destroy = onednn_free;
    c->fetch = fetch;
    c->result = result;
}

onednn_op *onednn_step(onednn_steps *s, const onednn_desc *desc, int threads, float scale) {
    onednn_op *op = &s->op[s->n++];
    *op = (onednn_op){.lib = bench_onednn()};
    bool made = scale == 1 ? onednn_make(op, desc, threads)
                           : onednn_make_scaled(op, desc, threads, scale);
    return made ? op : NULL;
}

static double run_steps(void *user, int64_t calls) {
    onednn_steps *t = user;
    double seconds = 0;
    for (int64_t i = 0; i < calls; i++) {
        for (int k = 0; k < t->n; k++) {
            double s = onednn_run(&t->op[k], 1);
            if (s < 0) {
                return -1;
            }
            seconds += s;
        }
    }
    return seconds;
}

static void free_steps(void *user) {
    onednn_steps *t = user;
    for (int k = 0; k < t->n; k++) {
        onednn_free(&t->op[k]);
    }
}

void onednn_add_steps(bench_plan *p, const char *name, onednn_steps *s, bool ready,
                      const void *result) {
    if (!ready) {
        free_steps(s);
        return;
    }
    bench_contender *c = bench_plan_add(p, name, BENCH_PEER, run_steps, s, sizeof *s);
    c->destroy = free_steps;
    c->result = result;
}

/* ---- matrix products ---------------------------------------------------------------------------------------- */

typedef struct types {
    int a, b, c;
} types;

static types types_of(tg_dtype type) {
    return type == TG_U8     ? (types){DNNL_U8, DNNL_S8, DNNL_S32}
           : type == TG_I8   ? (types){DNNL_S8, DNNL_S8, DNNL_S32}
           : type == TG_BF16 ? (types){DNNL_BF16, DNNL_BF16, DNNL_BF16}
                             : (types){DNNL_F32, DNNL_F32, DNNL_F32};
}

/* The matmul primitive; with `packed`, B is converted to the primitive's own layout beforehand, as for weights. */
static void add_matmul(bench_plan *p, const bench_matmul *g, const char *name, bool packed) {
    types t = types_of(g->type);
    int64_t ad[] = {g->m, g->k}, bd[] = {g->k, g->n}, cd[] = {g->m, g->n}, turned[] = {1, g->k};
    const int64_t *strides = g->b_transposed ? turned : NULL;
    onednn_md a, b, wanted_b, c;
    onednn_desc desc;
    onednn_op op = {.lib = bench_onednn()};
    bool ready = onednn_plain(&a, 2, ad, t.a) && onednn_strided(&b, 2, bd, t.b, strides) &&
                 onednn_plain(&c, 2, cd, t.c) &&
                 (packed ? onednn_any(&wanted_b, 2, bd, t.b)
                         : onednn_strided(&wanted_b, 2, bd, t.b, strides)) &&
                 op.lib->matmul_desc_init(&desc, &a, &wanted_b, NULL, &c) == 0 &&
                 onednn_make(&op, &desc, g->threads);
    union {
        const void *in;
        void *out;
    } x = {.in = g->a}, y = {.in = g->b}; /* the library's memory objects do not know const */
    ready = ready && onednn_operand(&op, DNNL_ARG_SRC, DNNL_QUERY_SRC, &a, x.out) &&
            onednn_operand(&op, DNNL_ARG_WEIGHTS, DNNL_QUERY_WEIGHTS, &b, y.out) &&
            onednn_operand(&op, DNNL_ARG_DST, DNNL_QUERY_DST, &c, g->c);
    onednn_add(p, name, &op, ready, g->c);
}

bool bench_onednn_product(const bench_product *g) {
    const onednn *lib = bench_onednn();
    if (lib) {
        bench_openmp_threads(1);
        lib->sgemm(g->transpose_a ? 'T' : 'N', g->transpose_b ? 'T' : 'N', g->m, g->n, g->k,
                   g->alpha, g->a, g->lda, g->b, g->ldb, g->beta, g->c, g->ldc);
    }
    return lib != NULL;
}

static char form_of_b(const bench_matmul *g) {
    return g->b_transposed ? 'T' : 'N';
}

static int step_of_b(const bench_matmul *g) {
    return g->b_transposed ? g->k : g->n;
}

static double run_sgemm(void *user, int64_t calls) {
    const bench_matmul *g = user;
    bench_openmp_threads(g->threads);
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        bench_onednn()->sgemm('N', form_of_b(g), g->m, g->n, g->k, 1, g->a, g->k, g->b,
                              step_of_b(g), 0, g->c, g->n);
    }
    return bench_now() - start;
}

static double run_gemm_u8(void *user, int64_t calls) {
    const bench_matmul *g = user;
    int32_t no_offset = 0;
    bench_openmp_threads(g->threads);
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        bench_onednn()->gemm_u8s8s32('N', form_of_b(g), 'F', g->m, g->n, g->k, 1, g->a, g->k, 0,
                                     g->b, step_of_b(g), 0, 0, g->c, g->n, &no_offset);
    }
    return bench_now() - start;
}

static double run_gemm_i8(void *user, int64_t calls) {
    const bench_matmul *g = user;
    int32_t no_offset = 0;
    bench_openmp_threads(g->threads);
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        bench_onednn()->gemm_s8s8s32('N', form_of_b(g), 'F', g->m, g->n, g->k, 1, g->a, g->k, 0,
                                     g->b, step_of_b(g), 0, 0, g->c, g->n, &no_offset);
    }
    return bench_now() - start;
}

/* Without VNNI the library adds pairs of products in 16 bits: is what it makes of large bytes less than their product? */
static bool saturates(void) {
    enum { N = 16, LARGE = 255, SMALL = 127 };
    uint8_t a[N * N];
    int8_t b[N * N];
    int32_t c[N * N], no_offset = 0;
    memset(a, LARGE, sizeof a);
    memset(b, SMALL, sizeof b);
    bench_onednn()->gemm_u8s8s32('N', 'N', 'F', N, N, N, 1, a, N, 0, b, N, 0, 0, c, N,
                                 &no_offset);
    return c[0] < N * LARGE * SMALL;
}

void bench_add_onednn_matmul(bench_plan *p, const bench_matmul *g) {
    static const char *const names[][3] = {
        {"oneDNN", "oneDNN packed", "oneDNN gemm"},
        {"oneDNN, saturating", "oneDNN packed, saturating", "oneDNN gemm, saturating"}};
    if (!bench_onednn()) {
        return;
    }
    bool bytes = g->type == TG_U8 || g->type == TG_I8;
    const char *const *name = names[bytes && saturates()];
    add_matmul(p, g, name[0], false);
    add_matmul(p, g, name[1], true);
    if (g->type != TG_BF16) {
        bench_run_fn run = g->type == TG_F32  ? run_sgemm
                           : g->type == TG_U8 ? run_gemm_u8
                                              : run_gemm_i8;
        bench_plan_add(p, name[2], BENCH_PEER, run, g, sizeof *g)->result = g->c;
    }
}

/* ---- rows --------------------------------------------------------------------------------------------------- */

static bool describe_rows(const onednn *lib, const bench_rows *r, onednn_desc *desc,
                          const onednn_md *x, const onednn_md *sums) {
    enum { INFERENCE = DNNL_FORWARD_INFERENCE, SCALE_AND_SHIFT = 8 | 16 };
    switch (r->op) {
    case BENCH_SOFTMAX:
        return lib->softmax_forward_desc_init(desc, INFERENCE, x, 1) == 0;
    case BENCH_LAYER_NORM:
        return lib->layer_normalization_forward_desc_init(desc, INFERENCE, x, NULL, 1e-5f,
                                                          SCALE_AND_SHIFT) == 0;
    case BENCH_GELU:
        return lib->eltwise_forward_desc_init(desc, INFERENCE, DNNL_ELTWISE_GELU_TANH, x, 0,
                                              0) == 0;
    case BENCH_EXP:
        return lib->eltwise_forward_desc_init(desc, INFERENCE, DNNL_ELTWISE_EXP, x, 0, 0) == 0;
    case BENCH_ADD:
        return lib->binary_desc_init(desc, DNNL_BINARY_ADD, x, x, x) == 0;
    case BENCH_ROW_SUM:
        return lib->reduction_desc_init(desc, DNNL_REDUCTION_SUM, x, sums, 0, 0) == 0;
    case BENCH_COPY:
        break;
    }
    return false;
}

void bench_add_onednn_rows(bench_plan *p, const bench_rows *r) {
    const onednn *lib = bench_onednn();
    onednn_md x, sums, line;
    onednn_desc desc;
    onednn_op op = {.lib = lib};
    int64_t dims[] = {r->rows, r->cols}, sum_dims[] = {r->rows, 1};
    if (!lib || !onednn_plain(&x, 2, dims, DNNL_F32) ||
        !onednn_plain(&sums, 2, sum_dims, DNNL_F32) ||
        !onednn_plain(&line, 1, dims + 1, DNNL_F32) ||
        !describe_rows(lib, r, &desc, &x, &sums)) {
        return;
    }
    union {
        const float *in;
        float *out;
    } a = {.in = r->a}, b = {.in = r->b};
    bool ready =
        onednn_make(&op, &desc, r->threads) &&
        onednn_operand(&op, DNNL_ARG_SRC, 0, &x, a.out) &&
        onednn_operand(&op, DNNL_ARG_DST, 0, r->op == BENCH_ROW_SUM ? &sums : &x, r->y);
    if (r->op == BENCH_ADD) {
        ready = ready && onednn_operand(&op, DNNL_ARG_SRC_1, 0, &x, b.out);
    } else if (r->op == BENCH_LAYER_NORM) {
        ready = ready && onednn_operand(&op, DNNL_ARG_SCALE, 0, &line, b.out) &&
                onednn_operand(&op, DNNL_ARG_SHIFT, 0, &line, b.out + r->cols);
    }
    onednn_add(p, "oneDNN", &op, ready, r->y);
}
