/* Each function of ops.h that only passes its parameters on: it gives what tg_stdlib_launch gives with the kernel's parameters in the order of
 * docs/stdlib.md, bit for bit. The kernels themselves are compared with references in tests/kernels. */
#include "stdlib_fixture.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4 };

/* What both ways write, from the same contents. `o` of a case is one of the two rows. */
static tg_tensor *results[2][MOST];
static uint32_t n_results;
static tg_tensor *used[64]; /* freed after the case */
static uint32_t n_used;

static tg_tensor *make(tg_dtype dtype, uint64_t seed, double low, double high, uint32_t rank, const int64_t *shape) {
    tg_tensor *t = tg_tensor_create(ctx, dtype, rank, shape);
    cr_assert(t && n_used < sizeof used / sizeof *used);
    cr_assert_eq(tg_tensor_fill_random(t, seed, low, high), TG_OK);
    return used[n_used++] = t;
}
#define SHAPE(...)            sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__}
#define F(seed, ...)          make(TG_F32, seed, -1, 1, SHAPE(__VA_ARGS__))
#define POSITIVE(seed, ...)   make(TG_F32, seed, 0.5, 1.5, SHAPE(__VA_ARGS__))
#define INT(type, most, ...)  make(type, 77, 0, most, SHAPE(__VA_ARGS__))

static tg_tensor *numbers(const int32_t *values, int64_t n) {
    tg_tensor *t = INT(TG_I32, 0, n);
    memcpy(tg_tensor_data(t), values, (size_t)n * sizeof *values);
    return t;
}
#define NUMBERS(...) numbers((int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void prepare(uint32_t n, tg_tensor *const *t) {
    n_results = n;
    for (uint32_t i = 0; i < n; i++) {
        results[0][i] = t[i];
        results[1][i] = make(tg_tensor_dtype(t[i]), 1, 0, 0, tg_tensor_rank(t[i]), tg_tensor_shape(t[i]));
        cr_assert_eq(tg_tensor_copy(results[1][i], t[i]), TG_OK);
    }
}

static size_t bytes_of(const tg_tensor *t) {
    return (size_t)tg_tensor_n_elements(t) * (size_t)tg_dtype_bits(tg_tensor_dtype(t)) / 8;
}

static void compare(const char *name, const tg_tensor *before) {
    for (uint32_t i = 0; i < n_results; i++) {
        cr_expect(memcmp(tg_tensor_data(results[0][i]), tg_tensor_data(results[1][i]), bytes_of(results[0][i])) == 0, "%s: result %u", name, i);
    }
    cr_expect(memcmp(tg_tensor_data(results[0][0]), tg_tensor_data(before), bytes_of(before)) != 0, "%s wrote nothing", name);
    while (n_used) {
        tg_tensor_release(used[--n_used]);
    }
}

#define RESULTS(...) sizeof((tg_tensor *[]){__VA_ARGS__}) / sizeof(tg_tensor *), (tg_tensor *[]){__VA_ARGS__}
/* `call` and the arguments of the launch see the results as o[0], o[1] ... */
#define SAME(kernel, outputs, call, ...)                                                                       \
    do {                                                                                                       \
        prepare(outputs);                                                                                      \
        tg_tensor *before = make(tg_tensor_dtype(results[0][0]), 1, 0, 0, tg_tensor_rank(results[0][0]), tg_tensor_shape(results[0][0])); \
        cr_assert_eq(tg_tensor_copy(before, results[0][0]), TG_OK);                                            \
        tg_tensor **o = results[0];                                                                            \
        cr_assert_eq((call), TG_OK, "%s: %s", kernel, tg_last_error(ctx));                                     \
        o = results[1];                                                                                        \
        cr_assert_eq(tg_stdlib_launch(ctx, kernel, TG_ARGS(__VA_ARGS__)), TG_OK, "%s: %s", kernel, tg_last_error(ctx)); \
        compare(kernel, before);                                                                               \
    } while (0)

enum { M = 6, N = 10 };
#define TEST(name) Test(stdlib_each, name, .init = setup, .fini = teardown, .timeout = 300)

TEST(rows) {
    tg_tensor *x = F(1, M, N), *d = F(2, M, N);
    SAME("activation", RESULTS(F(3, M, N)), tg_op_activation(ctx, x, o[0], TG_ACTIVATION_ELU, 0.3), x, o[0], TG_ACTIVATION_ELU, 0.3);
    x = F(1, M, N), d = F(2, M, N);
    SAME("activation_bwd", RESULTS(F(3, M, N)), tg_op_activation_bwd(ctx, x, d, o[0], TG_ACTIVATION_ELU, 0.3), x, d, o[0], TG_ACTIVATION_ELU, 0.3);
    x = F(1, M, N), d = F(2, M, N);
    SAME("gated", RESULTS(F(3, M, N)), tg_op_gated(ctx, x, d, o[0], TG_ACTIVATION_SILU), x, d, o[0], TG_ACTIVATION_SILU);
    x = F(1, M, N), d = F(2, M, N);
    tg_tensor *g = F(5, M, N);
    SAME("gated_bwd", RESULTS(F(3, M, N), F(4, M, N)), tg_op_gated_bwd(ctx, x, d, g, o[0], o[1], TG_ACTIVATION_SILU), x, d, g, o[0], o[1], TG_ACTIVATION_SILU);
    x = F(1, M, N), d = F(2, M, N);
    SAME("softmax_bwd", RESULTS(F(3, M, N)), tg_op_softmax_bwd(ctx, x, d, o[0]), x, d, o[0]);
    x = F(1, M, N);
    SAME("log_softmax", RESULTS(F(3, M, N)), tg_op_log_softmax(ctx, x, o[0]), x, o[0]);
    x = F(1, M, N), d = F(2, M, N);
    SAME("log_softmax_bwd", RESULTS(F(3, M, N)), tg_op_log_softmax_bwd(ctx, x, d, o[0]), x, d, o[0]);
    x = F(1, M, N);
    tg_tensor *label = INT(TG_I64, N - 1, M);
    SAME("cross_entropy", RESULTS(F(3, M), F(4, M)), tg_op_cross_entropy(ctx, x, label, o[0], o[1]), x, label, o[0], o[1]);
    x = F(1, M, N), label = INT(TG_I64, N - 1, M);
    tg_tensor *lse = F(5, M), *loss = F(6, M);
    SAME("cross_entropy_bwd", RESULTS(F(3, M, N)), tg_op_cross_entropy_bwd(ctx, x, label, lse, loss, o[0]), x, label, lse, loss, o[0]);
}

TEST(products) {
    tg_tensor *a = F(1, M, N), *x = F(2, N), *z = F(3, M);
    SAME("matvec", RESULTS(F(4, M)), tg_op_matvec(ctx, a, x, z, o[0], 0.5, 2.0), a, x, z, o[0], 0.5, 2.0);
    a = F(1, M, N);
    tg_tensor *off = NUMBERS(0, 2, 5), *w = F(5, 2, N, 7), *bias = F(6, 2, 7);
    SAME("matmul_grouped", RESULTS(F(4, M, 7)), tg_op_matmul_grouped(ctx, a, off, w, bias, o[0], TG_ACTIVATION_GELU), a, off, w, bias, o[0],
         TG_ACTIVATION_GELU);
}

TEST(norms) {
    tg_tensor *x = F(1, M, N), *w = F(2, N), *b = F(3, N), *mu = F(4, M), *rstd = POSITIVE(5, M), *d = F(6, M, N);
    SAME("layer_norm", RESULTS(F(7, M, N), F(8, M), F(9, M)), tg_op_layer_norm(ctx, x, w, b, o[0], o[1], o[2], 0.1), x, w, b, o[0], o[1], o[2], 0.1);
    x = F(1, M, N), w = F(2, N), mu = F(4, M), rstd = POSITIVE(5, M), d = F(6, M, N);
    SAME("layer_norm_bwd", RESULTS(F(7, M, N), F(8, N), F(9, N)), tg_op_layer_norm_bwd(ctx, x, w, mu, rstd, d, o[0], o[1], o[2]), x, w, mu, rstd, d,
         o[0], o[1], o[2]);
    x = F(1, M, N), w = F(2, N);
    SAME("rms_norm", RESULTS(F(7, M, N), F(8, M)), tg_op_rms_norm(ctx, x, w, o[0], o[1], 0.1), x, w, o[0], o[1], 0.1);
    x = F(1, M, N), w = F(2, N), rstd = POSITIVE(5, M), d = F(6, M, N);
    SAME("rms_norm_bwd", RESULTS(F(7, M, N), F(8, N)), tg_op_rms_norm_bwd(ctx, x, w, rstd, d, o[0], o[1]), x, w, rstd, d, o[0], o[1]);
    x = F(1, 2, 3, 4, 5), w = F(2, 3, 4), b = F(3, 3, 4);
    SAME("group_norm", RESULTS(F(7, 2, 3, 4, 5), F(8, 2, 3), F(9, 2, 3)), tg_op_group_norm(ctx, x, w, b, o[0], o[1], o[2], 0.1), x, w, b, o[0], o[1],
         o[2], 0.1);
    x = F(1, 2, 3, 4, 5), w = F(2, 3, 4), mu = F(4, 2, 3), rstd = POSITIVE(5, 2, 3), d = F(6, 2, 3, 4, 5);
    SAME("group_norm_bwd", RESULTS(F(7, 2, 3, 4, 5), F(8, 3, 4), F(9, 3, 4)), tg_op_group_norm_bwd(ctx, x, w, mu, rstd, d, o[0], o[1], o[2]), x, w, mu,
         rstd, d, o[0], o[1], o[2]);
    x = F(1, 2, 4, 5), mu = F(4, 4), rstd = POSITIVE(5, 4), w = F(2, 4), b = F(3, 4);
    SAME("batch_norm", RESULTS(F(7, 2, 4, 5)), tg_op_batch_norm(ctx, x, mu, rstd, w, b, o[0], 0.1), x, mu, rstd, w, b, o[0], 0.1);
    x = F(1, 2, 4, 5), mu = F(4, 4), rstd = POSITIVE(5, 4), w = F(2, 4), d = F(6, 2, 4, 5);
    SAME("batch_norm_bwd", RESULTS(F(7, 2, 4, 5), F(8, 4), F(9, 4)), tg_op_batch_norm_bwd(ctx, x, w, mu, rstd, d, o[0], o[1], o[2]), x, w, mu, rstd, d,
         o[0], o[1], o[2]);
}

TEST(training) {
    const uint64_t seed = UINT64_C(0x123456789a);
    tg_tensor *x = F(1, M, N), *d = F(2, M, N);
    SAME("dropout", RESULTS(F(3, M, N)), tg_op_dropout(ctx, x, o[0], 0.25, seed), x, o[0], 0.25, seed);
    d = F(2, M, N);
    SAME("dropout_bwd", RESULTS(F(3, M, N)), tg_op_dropout_bwd(ctx, d, o[0], 0.25, seed), d, o[0], 0.25, seed);
    tg_tensor *ids = NUMBERS(3, 0, -1, 5, 3, 1), *e = F(1, 4, N);
    SAME("embedding", RESULTS(F(3, M, N)), tg_op_embedding(ctx, ids, e, o[0]), ids, e, o[0]);
    ids = NUMBERS(3, 0, -1, 5, 2, 1), d = F(2, M, N); /* no id twice: the order of additions is free */
    SAME("embedding_bwd", RESULTS(F(3, 4, N)), tg_op_embedding_bwd(ctx, ids, d, o[0]), ids, d, o[0]);
    d = F(2, M, N);
    tg_tensor *perm = NUMBERS(1, 5, 0, 2, 4, 3), *start = NUMBERS(0, 2, 2, 5, 6);
    SAME("embedding_bwd_sorted", RESULTS(F(3, 4, N)), tg_op_embedding_bwd_sorted(ctx, d, perm, start, o[0]), d, perm, start, o[0]);
    x = F(1, 2, 5, 3, 4);
    tg_tensor *pos = INT(TG_I64, 9, 5);
    SAME("rope", RESULTS(F(3, 2, 5, 3, 4)), tg_op_rope(ctx, x, pos, o[0], 100.0, -1.0), x, pos, o[0], 100.0, -1.0);
    d = F(2, M, N);
    SAME("sgd", RESULTS(F(3, M, N), F(4, M, N)), tg_op_sgd(ctx, o[0], d, o[1], 0.1, 0.7, 0.2, 1), o[0], d, o[1], 0.1, 0.7, 0.2, (bool)1);
    d = F(2, M, N);
    SAME("adam", RESULTS(F(3, M, N), F(4, M, N), POSITIVE(5, M, N)), tg_op_adam(ctx, o[0], d, o[1], o[2], 0.1, 0.7, 0.8, 0.01, 0.2, 3), o[0], d, o[1], o[2],
         0.1, 0.7, 0.8, 0.01, 0.2, 3);
    d = F(2, M, N);
    SAME("adamw", RESULTS(F(3, M, N), F(4, M, N), POSITIVE(5, M, N)), tg_op_adamw(ctx, o[0], d, o[1], o[2], 0.1, 0.7, 0.8, 0.01, 0.2, 3), o[0], d, o[1],
         o[2], 0.1, 0.7, 0.8, 0.01, 0.2, 3);
}

TEST(reductions) {
    static const struct {
        const char *kernel;
        tg_status (*op)(tg_context *, const tg_tensor *, tg_tensor *);
        tg_dtype type;
        bool whole; /* a result per element */
    } all[] = {{"reduce_sum", tg_op_reduce_sum, TG_F32, false},   {"reduce_mean", tg_op_reduce_mean, TG_F32, false},
               {"reduce_prod", tg_op_reduce_prod, TG_F32, false}, {"reduce_max", tg_op_reduce_max, TG_F32, false},
               {"reduce_min", tg_op_reduce_min, TG_F32, false},   {"arg_max", tg_op_arg_max, TG_I64, false},
               {"arg_min", tg_op_arg_min, TG_I64, false},         {"running_sum", tg_op_running_sum, TG_F32, true},
               {"running_prod", tg_op_running_prod, TG_F32, true}, {"running_max", tg_op_running_max, TG_F32, true}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor *x = F(1, M, N), *y = make(all[i].type, 2, -50, -40, all[i].whole ? 2 : 1, (int64_t[]){M, N});
        SAME(all[i].kernel, RESULTS(y), all[i].op(ctx, x, o[0]), x, o[0]);
    }
    tg_tensor *x = F(1, M, N);
    SAME("reduce_columns", RESULTS(F(3, N)), tg_op_reduce_columns(ctx, x, o[0]), x, o[0]);
    x = F(1, M, N);
    SAME("reduce_variance", RESULTS(F(3, M)), tg_op_reduce_variance(ctx, x, o[0], 1.0), x, o[0], 1.0);
    x = F(1, M, N);
    SAME("sort_rows", RESULTS(F(3, M, N), INT(TG_I64, 9, M, N)), tg_op_sort_rows(ctx, x, o[0], o[1], 1), x, o[0], o[1], (bool)1);
    x = INT(TG_I32, 8, 50);
    SAME("bincount", RESULTS(INT(TG_I32, 3, 7)), tg_op_bincount(ctx, x, o[0]), x, o[0]);
}

TEST(data) {
    tg_tensor *a = F(1, 2, 3, N), *b = F(2, 2, 4, N);
    SAME("concat", RESULTS(F(3, 2, 7, N)), tg_op_concat(ctx, a, b, o[0]), a, b, o[0]);
    a = F(1, 2, 3, N);
    SAME("pad", RESULTS(F(3, 2, 6, 14)), tg_op_pad(ctx, a, o[0], 1, 3, 0.5), a, o[0], 1, 3, 0.5);
    a = F(1, M, N);
    tg_tensor *index = INT(TG_I32, N + 2, M, 4);
    SAME("gather", RESULTS(F(3, M, 4)), tg_op_gather(ctx, a, index, o[0]), a, index, o[0]);
    a = F(1, 2, 3), index = NUMBERS(4, 0, 9, 2, 1, 3);
    index = used[n_used++] = tg_tensor_view(index, 2, (int64_t[]){2, 3}, (int64_t[]){3, 1}, 0);
    SAME("scatter_add", RESULTS(F(3, 2, 5)), tg_op_scatter_add(ctx, a, index, o[0]), a, index, o[0]);
    a = F(1, 3, N), index = NUMBERS(4, 0, 2);
    SAME("scatter_rows", RESULTS(F(3, 5, N)), tg_op_scatter_rows(ctx, index, a, o[0]), index, a, o[0]);
    SAME("uniform", RESULTS(F(3, M, N)), tg_op_uniform(ctx, o[0], -2.0, 5.0, 9), o[0], -2.0, 5.0, 9);
    SAME("normal", RESULTS(F(3, M, N)), tg_op_normal(ctx, o[0], 2.0, 5.0, 9), o[0], 2.0, 5.0, 9);
}

/* The gradients of attention that nothing else calls: every option has a value of its own. */
TEST(attention) {
    tg_attention_options p = TG_ATTENTION_OPTIONS_INIT;
    p.scale = 0.3;
    p.causal = 1;
    p.window = 4;
    p.dropout = 0.25;
    p.seed = 11;
    tg_tensor *q = F(1, 2, 4, 5, 8), *k = F(2, 2, 2, 7, 8), *v = F(3, 2, 2, 7, 6), *out = F(4, 2, 4, 5, 6), *lse = POSITIVE(5, 2, 4, 5), *d = F(6, 2, 4, 5, 6);
    tg_tensor *bias = F(7, 4, 5, 7), *slopes = POSITIVE(8, 4);
    p.bias = bias;
    p.slopes = slopes;
    SAME("attention_bias_bwd", RESULTS(F(9, 4, 5, 7)), tg_op_attention_bias_bwd(ctx, q, k, v, out, lse, d, o[0], &p), q, k, v, out, lse, d, bias, slopes,
         o[0], 0.3, (bool)1, 4, (bool)1, 0.25, 11);
    p.slopes = NULL;
    q = F(1, 10, 4, 8), k = F(2, 14, 2, 8), v = F(3, 14, 2, 6), out = F(4, 10, 4, 6), lse = POSITIVE(5, 4, 10), d = F(6, 10, 4, 6), bias = F(7, 4, 10, 14);
    p.bias = bias;
    tg_tensor *cq = NUMBERS(0, 5, 10), *ck = NUMBERS(0, 7, 14);
    SAME("attention_packed_bwd", RESULTS(F(9, 10, 4, 8), F(10, 14, 2, 8), F(11, 14, 2, 6)),
         tg_op_attention_packed_bwd(ctx, q, k, v, cq, ck, out, lse, d, o[0], o[1], o[2], &p), q, k, v, cq, ck, out, lse, d, bias, o[0], o[1], o[2], 0.3,
         (bool)1, 4, (bool)1, 0.25, 11);
}
