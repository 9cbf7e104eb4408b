/* Every allocation of sequences of the library's functions fails in turn; test_memory_ops.c has each function by itself. */
#include "memory_sweep.h"

static tg_tensor *made(tg_context *c, tg_dtype t, uint32_t rank, const int64_t *shape) {
    tg_tensor *x = tg_tensor_create(c, t, rank, shape);
    return x && tg_tensor_fill_random(x, 1, -1, 1) ? (tg_tensor_release(x), NULL) : x;
}
#define MADE(c, t, ...)                                                                        \
    made(c, t, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

static tg_status transform(tg_context *c, const void *user) {
    (void)user;
    tg_tensor *t[] = {MADE(c, TG_C32, 3, 12, 17), MADE(c, TG_C32, 3, 12, 17)};
    int64_t lengths[] = {12, 17};
    tg_fft_options o = TG_FFT_OPTIONS_INIT;
    tg_fft_plan *plan = NULL;
    tg_status s = t[0] && t[1] ? tg_fft_plan_create(c, 2, lengths, &o, &plan) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_fft_execute(plan, t[0], t[1]);
    tg_fft_plan_destroy(plan);
    return give_back(s, t, 2);
}

static tg_status convolve(tg_context *c, const void *user) {
    (void)user;
    tg_tensor *t[] = {MADE(c, TG_F32, 2, 100), MADE(c, TG_F32, 7), MADE(c, TG_F32, 2, 106)};
    tg_fft_convolution_options o = TG_FFT_CONVOLUTION_OPTIONS_INIT;
    tg_fft_convolution *convolution = NULL;
    tg_status s = t[0] && t[1] && t[2] ? tg_fft_convolution_create(c, 100, 7, &o, &convolution) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_fft_convolve(convolution, t[0], t[1], t[2]);
    tg_fft_convolution_destroy(convolution);
    return give_back(s, t, 3);
}

static tg_status multiply(tg_context *c, const void *user) {
    (void)user;
    tg_tensor *t[] = {MADE(c, TG_F32, 9, 11), MADE(c, TG_F32, 11, 20), MADE(c, TG_F32, 9, 20), NULL};
    tg_status s = t[0] && t[1] && t[2] ? tg_op_matmul(c, t[0], t[1], t[2], NULL) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : unless_never_packed(tg_op_matmul_pack(c, t[1], &t[3]));
    s = s || !t[3] ? s : tg_op_matmul(c, t[0], t[3], t[2], NULL);
    return give_back(s, t, 4);
}

static tg_status rows(tg_context *c, const void *user) {
    (void)user;
    tg_tensor *t[] = {MADE(c, TG_F32, 2, 3, 10), MADE(c, TG_F32, 2, 3, 10), MADE(c, TG_F32, 6, 10), MADE(c, TG_F32, 6, 10)};
    tg_status s = t[0] && t[1] && t[2] && t[3] ? tg_op_softmax(c, t[0], t[1]) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_op_running_sum(c, t[2], t[3]);
    s = s ? s : tg_kernel_prepare_args(tg_stdlib_kernel(c, "softmax"), TG_ARGS(t[2], t[3]));
    return give_back(s, t, 4);
}

/* A module and a launch of the caller's own, of a kernel that walks over what does not fold. */
static tg_status by_name(tg_context *c, const void *user) {
    (void)user;
    tg_tensor *t[] = {MADE(c, TG_F32, 4, 3, 7), NULL, MADE(c, TG_F32, 3, 4, 7)};
    t[1] = tg_tensor_permute(t[0], (uint32_t[]){1, 0, 2});
    tg_module *m = NULL;
    tg_status s = t[1] && t[2] ? tg_stdlib_launch(c, "log_softmax", TG_ARGS(t[1], t[2])) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_stdlib_module(c, "log_softmax", &m);
    tg_module_destroy(m);
    return give_back(s, t, 3);
}

static tg_status exchange(tg_context *c, const void *user) {
    (void)user;
    tg_tensor *t[] = {MADE(c, TG_F32, 4, 5), NULL};
    tg_dl_managed_versioned *capsule = NULL;
    tg_status s = t[0] ? tg_tensor_to_dlpack_versioned(t[0], &capsule) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_tensor_from_dlpack_versioned(c, capsule, &t[1]);
    if (s && capsule) {
        capsule->deleter(capsule);
    }
    return give_back(s, t, 2);
}

Test(stdlib_memory, transforms, .timeout = 240) {
    sweep(transform, NULL, "transform");
    sweep(convolve, NULL, "convolve");
}

Test(stdlib_memory, products_and_rows, .timeout = 240) {
    sweep(multiply, NULL, "multiply");
    sweep(rows, NULL, "rows");
    sweep(by_name, NULL, "by name");
    sweep(exchange, NULL, "exchange");
}
