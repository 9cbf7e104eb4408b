/* Launch signatures: what binds, what is checked, the texts of failures, the serialised form, and the cost of a launch. */
#include "tests/unit/elab/load.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

enum { MAX_ARGS = 16 };

typedef struct launch {
    const tg_signature *sig;
    tg_launch_arg args[MAX_ARGS];
    tg_tensor_arg tensors[MAX_ARGS];
    tg_launch_binding binding;
    char message[256];
} launch;

static char memory[1 << 16];

static void start_launch(launch *l, loaded *m, const char *kernel) {
    memset(l, 0, sizeof *l);
    const tg_item *item = tg_unit_find_kernel(m->unit, kernel);
    cr_assert_not_null(item, "%s:\n%s", kernel, rendered(m));
    l->sig = tg_unit_signature(m->unit, item);
}

/* A row-major tensor of rank given by the shape's length (−1 ends it). */
static void tensor(launch *l, uint32_t i, tg_dtype dtype, void *data, const int64_t *shape) {
    tg_tensor_arg *t = &l->tensors[i];
    uint32_t rank = 0;
    int64_t stride = 1;
    while (shape[rank] >= 0) {
        t->shape[rank] = shape[rank];
        rank++;
    }
    for (uint32_t d = rank; d-- > 0;) {
        t->stride[d] = stride;
        stride *= t->shape[d];
    }
    t->data = data;
    l->args[i] = (tg_launch_arg){.dtype = dtype, .rank = rank, .tensor = t};
}
#define SHAPE(...) ((const int64_t[]){__VA_ARGS__, -1})

static tg_status bind(launch *l) {
    return tg_signature_bind(l->sig, l->args, l->sig->n_params, &l->binding, l->message,
                             sizeof l->message);
}

static void expect_message(launch *l, tg_status status, const char *text) {
    cr_expect_eq(bind(l), status, "%s", l->message);
    cr_expect_str_eq(l->message, text);
}

static const char module[] =
    "kernel gemm<T: float>(in T A[M, K], in T B[K, N], in? f32 bias[N], out T C[M, N], f32 "
    "alpha = 1, const bool act = false)\n"
    "{ grid (m in M, n in N) { wide(T) acc[m, n] = 0; for (k in K) acc += dot(A[m, k], B[k, "
    "n], k); C[m, n] = T(acc * alpha); } }\n"
    "kernel packed(in u32 P[K / 8, N], in f32 X[K], out f32 Y[2 * R + 1], const int G = 4, u8 "
    "small = 3)\n"
    "    where N % G == 0, is_pow2(K), aligned(P, 16) { grid (i in R) Y[2 * i] = X[i]; }\n"
    "kernel ragged(in i32 off[E + 1], in i32 ids[R], inout f32 Y[R]) where sorted(off) && ids "
    "< E, 0 <= ids, unique(ids)\n"
    "{ grid (each e in E, r in R from off[e] until off[e + 1]) Y[r] = Y[r] + f32(e); }\n"
    "kernel typed<T: f16 | bf16, U: any>(in T A[N], in U B[N], out wide(T) C[N]) where T == "
    "bf16 || N > 2, sizeof(T) == 2\n"
    "{ grid (i in N) C[i] = widen(A[i]); }\n"
    "kernel nibbles(in u4 W[M, N], out f32 Y[M, N]) { grid (m in M, n in N) Y[m, n] = f32(W[m, "
    "n]); }\n";

static void good_gemm(launch *l) {
    tensor(l, 0, TG_F32, memory, SHAPE(3, 5));
    tensor(l, 1, TG_F32, memory + 1024, SHAPE(5, 7));
    tensor(l, 3, TG_F32, memory + 2048, SHAPE(3, 7));
}

Test(signature, binds_types_dimensions_and_constants) {
    loaded m;
    launch l;
    load_text(&m, "m.dsl", module);
    cr_assert_eq(m.diags.n_errors, 0, "%s", rendered(&m));
    start_launch(&l, &m, "gemm");
    good_gemm(&l);
    cr_assert_eq(bind(&l), TG_OK, "%s", l.message);
    cr_expect_eq(l.binding.types[0], TG_F32);
    const int64_t dims[] = {3, 5, 7}; /* M, K, N: by first appearance */
    cr_expect_arr_eq(l.binding.dims, dims, sizeof dims);
    cr_expect_eq(l.binding.consts[0].dtype, TG_BOOL);
    tensor(&l, 1, TG_F32, memory, SHAPE(6, 7));
    expect_message(&l, TG_ERROR_LAUNCH, "L0901: K is 5 in A but 6 in B");
    tensor(&l, 1, TG_F64, memory, SHAPE(5, 7));
    expect_message(&l, TG_ERROR_INVALID_ARGUMENT, "T is f32 in A but f64 in B");
    good_gemm(&l);
    tensor(&l, 2, TG_F32, memory, SHAPE(8));
    expect_message(&l, TG_ERROR_LAUNCH, "L0901: N is 7 in B but 8 in bias");
    tensor(&l, 2, TG_I32, memory, SHAPE(7));
    expect_message(&l, TG_ERROR_INVALID_ARGUMENT, "bias has type i32, expected f32");
    tensor(&l, 2, TG_F32, memory, SHAPE(7, 1));
    expect_message(&l, TG_ERROR_INVALID_ARGUMENT, "bias has 2 dimensions, expected 1");
    l.args[2].tensor = NULL;
    l.args[1].tensor = NULL;
    expect_message(&l, TG_ERROR_INVALID_ARGUMENT, "B is missing");
    unload(&m);
}

Test(signature, checks_shapes_conditions_and_scalars) {
    loaded m;
    launch l;
    load_text(&m, "m.dsl", module);
    start_launch(&l, &m, "packed");
    tensor(&l, 0, TG_U32, memory, SHAPE(2, 8));
    tensor(&l, 1, TG_F32, memory + 1024, SHAPE(16));
    tensor(&l, 2, TG_F32, memory + 2048, SHAPE(5));
    cr_assert_eq(bind(&l), TG_OK, "%s", l.message);
    tensor(&l, 0, TG_U32, memory, SHAPE(3, 8));
    expect_message(&l, TG_ERROR_LAUNCH, "L0902: dimension 0 of P is 3 but K / 8 is 2 (K = 16)");
    tensor(&l, 0, TG_U32, memory, SHAPE(2, 6));
    expect_message(&l, TG_ERROR_LAUNCH, "L0904: packed requires N % G == 0; here N = 6, G = 4");
    tensor(&l, 0, TG_U32, memory + 4, SHAPE(2, 8));
    expect_message(&l, TG_ERROR_LAUNCH, "L0904: packed requires aligned(P, 16)");
    tensor(&l, 0, TG_U32, memory, SHAPE(2, 8));
    tensor(&l, 2, TG_F32, memory + 2048, SHAPE(6));
    expect_message(
        &l, TG_ERROR_LAUNCH,
        "L0903: dimension 0 of Y is 6, which is no value of 2 * R + 1 for an integer R");
    tensor(&l, 2, TG_F32, memory + 2048, SHAPE(5));
    l.args[4] = (tg_launch_arg){.dtype = TG_I64, .scalar = {.dtype = TG_I64, .i = 256}};
    expect_message(&l, TG_ERROR_INVALID_ARGUMENT, "small = 256 does not fit u8");
    l.args[4] = (tg_launch_arg){.dtype = TG_F64, .scalar = {.dtype = TG_F64, .f = 1}};
    expect_message(&l, TG_ERROR_INVALID_ARGUMENT,
                   "small takes u8, not a floating-point number");
    start_launch(&l, &m, "ragged");
    cr_expect_eq(l.sig->n_facts, 4);
    tensor(&l, 0, TG_I32, memory, SHAPE(0));
    tensor(&l, 1, TG_I32, memory, SHAPE(4));
    tensor(&l, 2, TG_F32, memory, SHAPE(4));
    cr_expect_eq(bind(&l), TG_ERROR_LAUNCH);
    cr_expect_eq(strncmp(l.message, "L0903", 5), 0, "%s", l.message);
    unload(&m);
}

Test(signature, types_by_class_and_conditions_on_them) {
    loaded m;
    launch l;
    load_text(&m, "m.dsl", module);
    start_launch(&l, &m, "typed");
    tensor(&l, 0, TG_BF16, memory, SHAPE(2));
    tensor(&l, 1, TG_I4, memory + 1024, SHAPE(2));
    tensor(&l, 2, TG_F32, memory + 2048, SHAPE(2));
    cr_expect_eq(bind(&l), TG_OK, "%s", l.message);
    l.args[0].dtype = TG_F16;
    expect_message(&l, TG_ERROR_LAUNCH, "L0904: typed requires T == bf16 || N > 2; here N = 2");
    l.args[0].dtype = TG_F32;
    expect_message(&l, TG_ERROR_INVALID_ARGUMENT,
                   "T = f32 (from A) is not a type that typed accepts: f16, bf16");
    unload(&m);
}

Test(signature, infers_shapes_of_outputs) {
    loaded m;
    launch l;
    load_text(&m, "m.dsl", module);
    start_launch(&l, &m, "gemm");
    good_gemm(&l);
    l.args[3].tensor = NULL;
    int64_t shape[TG_MAX_RANK] = {0};
    tg_signature_bind_dims(l.sig, l.args, l.sig->n_params, &l.binding);
    cr_assert(tg_signature_infer_shape(l.sig, &l.binding, l.args, 3, shape));
    cr_expect(shape[0] == 3 && shape[1] == 7);
    l.args[1].tensor = NULL;
    tg_signature_bind_dims(l.sig, l.args, l.sig->n_params, &l.binding);
    cr_expect_not(tg_signature_infer_shape(l.sig, &l.binding, l.args, 3, shape));
    unload(&m);
}

Test(signature, memory_may_not_overlap) {
    loaded m;
    launch l;
    load_text(&m, "m.dsl", module);
    start_launch(&l, &m, "gemm");
    good_gemm(&l);
    const uint32_t n = l.sig->n_params;
    cr_expect_eq(tg_signature_check_memory(l.sig, l.args, n, l.message, sizeof l.message),
                 TG_OK);
    l.tensors[1].data = l.tensors[0].data; /* both in: fine */
    cr_expect_eq(tg_signature_check_memory(l.sig, l.args, n, l.message, sizeof l.message),
                 TG_OK);
    l.tensors[3].data = (char *)l.tensors[0].data + 56;
    cr_expect_eq(tg_signature_check_memory(l.sig, l.args, n, l.message, sizeof l.message),
                 TG_ERROR_LAUNCH);
    cr_expect_str_eq(l.message, "L0905: C overlaps A");
    l.tensors[3].data = memory + 4096;
    l.tensors[3].stride[0] = -7; /* rows upwards */
    cr_expect_eq(tg_signature_check_memory(l.sig, l.args, n, l.message, sizeof l.message),
                 TG_OK);
    l.tensors[3].stride[0] = 6;
    cr_expect_eq(tg_signature_check_memory(l.sig, l.args, n, l.message, sizeof l.message),
                 TG_ERROR_LAUNCH);
    cr_expect_str_eq(l.message, "L0905: C is written but its strides let elements overlap");
    good_gemm(&l);
    l.tensors[0].data = memory + 2;
    cr_expect_eq(tg_signature_check_memory(l.sig, l.args, n, l.message, sizeof l.message),
                 TG_ERROR_LAUNCH);
    cr_expect_str_eq(l.message, "L0906: A is not aligned to its elements (f32)");
    start_launch(&l, &m, "nibbles");
    tensor(&l, 0, TG_U4, memory, SHAPE(4, 6));
    tensor(&l, 1, TG_F32, memory + 1024, SHAPE(4, 6));
    cr_expect_eq(tg_signature_check_memory(l.sig, l.args, 2, l.message, sizeof l.message),
                 TG_OK);
    l.tensors[0].stride[0] = 1;
    l.tensors[0].stride[1] = 4;
    cr_expect_eq(tg_signature_check_memory(l.sig, l.args, 2, l.message, sizeof l.message),
                 TG_ERROR_LAUNCH);
    unload(&m);
}

/* Written and read back, every signature of the corpus is the same; cut short or with a bit changed it is refused or sound. */
Test(signature, serialises) {
    static const char *const files[] = {"a_basic", "b_attention", "c_conv", "d_norm", "e_misc"};
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        loaded m;
        char path[64] = "tests/corpus/";
        strcat(strcat(path, files[f]), ".dsl");
        load_file(&m, path);
        for (uint32_t k = 0; k < tg_unit_n_kernels(m.unit); k++) {
            tg_strbuf a, b;
            tg_strbuf_init(&a, m.arena);
            tg_strbuf_init(&b, m.arena);
            tg_signature_write(tg_unit_signature(m.unit, tg_unit_kernel(m.unit, k)), &a);
            tg_signature *back = tg_signature_read(m.arena, a.data, a.len);
            cr_assert_not_null(back);
            tg_signature_write(back, &b);
            cr_assert(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
            tg_arena *scratch = tg_arena_create(&tg_allocator_default, &m.unwind);
            for (size_t n = 0; n < a.len; n += 3) {
                cr_assert_null(tg_signature_read(scratch, a.data, n));
                a.data[n] ^= 0x15;
                tg_signature *other = tg_signature_read(scratch, a.data, a.len);
                a.data[n] ^= 0x15;
                if (other) {
                    tg_launch_arg args[32] = {{0}};
                    tg_launch_binding binding;
                    char message[128];
                    (void)tg_signature_bind(other, args,
                                            other->n_params <= 32 ? other->n_params : 0,
                                            &binding, message, sizeof message);
                }
            }
            tg_arena_destroy(scratch);
        }
        unload(&m);
    }
}

Test(signature, binding_is_cheap) {
    loaded m;
    launch l;
    load_text(&m, "m.dsl", module);
    start_launch(&l, &m, "gemm");
    good_gemm(&l);
    enum { RUNS = 20000 };
    double best = 1e9;
    for (int repeat = 0; repeat < 5; repeat++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (int i = 0; i < RUNS; i++) {
            cr_assert_eq(bind(&l), TG_OK);
        }
        clock_gettime(CLOCK_MONOTONIC, &b);
        double ns =
            ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / RUNS;
        best = ns < best ? ns : best;
    }
    cr_expect_lt(best, 5000.0, "%g ns",
                 best); /* far above the truth: builds with sanitizers run this too */
    unload(&m);
}
