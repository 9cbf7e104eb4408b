/* Wrong calls of the standard library, the tuner and DLPack: the text names the argument, what was expected, what was given. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static tg_context *c;
static tg_tensor *a, *b, *y, *whole; /* 4×5, 5×6, 4×6; 4×5 of i32 */

static void setup(void) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 1;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    a = tg_tensor_create(c, TG_F32, 2, (int64_t[]){4, 5});
    b = tg_tensor_create(c, TG_F32, 2, (int64_t[]){5, 6});
    y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){4, 6});
    whole = tg_tensor_create(c, TG_I32, 2, (int64_t[]){4, 5});
}

static void teardown(void) {
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(y);
    tg_tensor_release(whole);
    tg_context_destroy(c);
}

TestSuite(stdlib_messages, .init = setup, .fini = teardown);

#define SAYS(call, context, text)                                                              \
    do {                                                                                       \
        (void)(call);                                                                          \
        cr_expect(strstr(tg_last_error(context), text), "%s: %s", #call,                       \
                  tg_last_error(context));                                                     \
    } while (0)

Test(stdlib_messages, operations) {
    SAYS(tg_op_matmul(NULL, a, b, y, NULL), NULL, "context is null");
    SAYS(tg_op_matmul(c, NULL, b, y, NULL), c, "matmul: A is missing");
    SAYS(tg_op_matmul(c, a, b, NULL, NULL), c, "matmul: C is missing");
    SAYS(tg_op_matmul(c, a, a, y, NULL), c, "matmul: L0901: K is 5 in A but 4 in B");
    SAYS(tg_op_matmul(c, whole, b, y, NULL), c,
         "matmul: T = i32 (from A) is not a type that matmul accepts: f32, ");
    SAYS(tg_op_softmax(c, a, y), c, "softmax: L0901: N is 5 in X but 6 in Y");
    SAYS(tg_op_softmax(c, a, a), c, "softmax: L0905: Y overlaps X");
    SAYS(tg_op_reduce_sum(c, a, y), c,
         "reduce_sum: Y has 2 dimensions; with those of X it must have 1");
    SAYS(tg_op_fill(c, NULL, 1), c, "fill: Y is missing, which decides type T");
    SAYS(tg_op_copy(c, a, b), c, "copy: dimension 0 is 4 in X but 5 in Y");
    SAYS(tg_op_top_k(c, a, y, whole), c, "top_k: I has type i32, expected i64");
}

Test(stdlib_messages, scalars) {
    tg_tensor *z = tg_tensor_create(c, TG_F32, 2, (int64_t[]){4, 5}), *u = tg_tensor_create(c, TG_F32, 2, (int64_t[]){4, 5});
    tg_tensor *v = tg_tensor_create(c, TG_F32, 2, (int64_t[]){4, 5});
    static const double outside[] = {-0.5, 1.5, NAN};
    tg_attention_options attention = TG_ATTENTION_OPTIONS_INIT;
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(tg_op_dropout(c, a, z, outside[i], 1), TG_ERROR_INVALID_ARGUMENT);
        cr_expect_eq(tg_op_dropout_bwd(c, a, z, outside[i], 1), TG_ERROR_INVALID_ARGUMENT);
        attention.dropout = outside[i];
        SAYS(tg_op_attention(c, a, a, a, z, z, &attention), c, "attention: the probability is ");
        SAYS(tg_op_attention_packed(c, a, a, a, a, a, z, z, &attention), c, "attention_packed: the probability is ");
    }
    SAYS(tg_op_dropout(c, a, z, 1.5, 1), c, "dropout: the probability is 1.5, not in 0 ... 1");
    SAYS(tg_op_adam(c, z, a, u, v, 1, 0.9, 0.9, 1, 0, 0), c, "adam: step is 0; the first one is 1");
    SAYS(tg_op_adamw(c, z, a, u, v, 1, 0.9, 0.9, 1, 0, -3), c, "adamw: step is -3; the first one is 1");
    SAYS(tg_op_activation(c, a, z, (tg_activation)13, 0), c, "activation: there is no activation 13");
    SAYS(tg_op_activation_bwd(c, a, a, z, (tg_activation)-1, 0), c, "activation_bwd: there is no activation -1");
    SAYS(tg_op_gated(c, a, a, z, TG_ACTIVATION_ELU), c, "gated: activation 10 needs an alpha");
    tg_matmul_options product = TG_MATMUL_OPTIONS_INIT;
    product.activation = TG_ACTIVATION_LEAKY_RELU;
    SAYS(tg_op_matmul(c, a, b, y, &product), c, "matmul: activation 9 needs an alpha");
    tg_conv_options conv = TG_CONV_OPTIONS_INIT;
    conv.activation = TG_ACTIVATION_ELU;
    SAYS(tg_op_conv(c, a, b, NULL, y, &conv), c, "activation 10 needs an alpha");
    SAYS(tg_op_conv_winograd(c, a, b, NULL, y, &conv), c, "conv2d_winograd: activation 10 needs an alpha");
    SAYS(tg_op_depthwise2d(c, a, b, NULL, y, &conv), c, "depthwise2d: activation 10 needs an alpha");
    cr_expect_eq(tg_op_activation(c, a, z, TG_ACTIVATION_ELU, 0.5), TG_OK);
    cr_expect_eq(tg_op_dropout(c, a, z, 1, 1), TG_OK);
    tg_tensor_release(z);
    tg_tensor_release(u);
    tg_tensor_release(v);
}

Test(stdlib_messages, names) {
    tg_module *m;
    SAYS(tg_stdlib_launch(NULL, "softmax", NULL, 0), NULL, "context is null");
    SAYS(tg_stdlib_launch(c, NULL, NULL, 0), c, "name is null");
    SAYS(tg_stdlib_launch(c, "softmx", TG_ARGS(a, y)), c,
         "no kernel 'softmx'; did you mean 'softmax'?");
    SAYS(tg_stdlib_module(c, "softmax", NULL), c, "out is null");
    SAYS(tg_stdlib_module(c, NULL, &m), c, "name is null");
    SAYS(tg_stdlib_kernel(NULL, "softmax"), NULL, "context is null");
    SAYS(tg_stdlib_describe(100000, NULL), NULL, "info is null");
    tg_stdlib_info info = {.struct_size = sizeof info};
    SAYS(tg_stdlib_describe(100000, &info), NULL,
         "there is no operation 100000: the library has ");
}

Test(stdlib_messages, dlpack) {
    tg_dl_managed *capsule;
    tg_tensor *t;
    SAYS(tg_tensor_to_dlpack(NULL, &capsule), NULL, "tensor is null");
    SAYS(tg_tensor_to_dlpack(a, NULL), c, "out is null");
    SAYS(tg_tensor_from_dlpack(NULL, NULL, &t), NULL, "context is null");
    SAYS(tg_tensor_from_dlpack(c, NULL, &t), c, "capsule is null");
    static float data[60];
    int64_t shape[] = {3, 4, 5};
    tg_dl_managed_versioned fixed = {.version = {1, 0}, .flags = TG_DLPACK_READ_ONLY, .tensor = {data, {TG_DLPACK_CPU, 0}, 3, {TG_DL_FLOAT, 32, 1}, shape, NULL, 0}};
    tg_tensor *folded = tg_tensor_create(c, TG_F32, 3, shape);
    cr_assert_eq(tg_tensor_from_dlpack_versioned(c, &fixed, &t), TG_OK);
    SAYS(tg_op_softmax(c, folded, t), c, "softmax: Y is written; argument 2 is read-only");
    cr_expect_eq(tg_op_softmax(c, t, folded), TG_OK);
    tg_tensor_release(folded);
    tg_tensor_release(t);
}
