/* Every allocation of the library's functions fails in turn, from the first call on, which compiles: each says so and works afterwards,
 * and nothing leaks. Memory that LLVM takes for itself is not part of this. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>

#include "tests/support/failing_alloc.h"

static tg_tensor *made(tg_context *c, tg_dtype t, uint32_t rank, const int64_t *shape) {
    tg_tensor *x = tg_tensor_create(c, t, rank, shape);
    return x && tg_tensor_fill_random(x, 1, -1, 1) ? (tg_tensor_release(x), NULL) : x;
}
#define MADE(c, t, ...)                                                                        \
    made(c, t, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

static tg_status give_back(tg_status s, tg_tensor *const *all, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_tensor_release(all[i]);
    }
    return s;
}

static tg_status transform(tg_context *c) {
    tg_tensor *t[] = {MADE(c, TG_C32, 3, 12, 17), MADE(c, TG_C32, 3, 12, 17)};
    int64_t lengths[] = {12, 17};
    tg_fft_options o = TG_FFT_OPTIONS_INIT;
    tg_fft_plan *plan = NULL;
    tg_status s = t[0] && t[1] ? tg_fft_plan_create(c, 2, lengths, &o, &plan) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_fft_execute(plan, t[0], t[1]);
    tg_fft_plan_destroy(plan);
    return give_back(s, t, 2);
}

static tg_status convolve(tg_context *c) {
    tg_tensor *t[] = {MADE(c, TG_F32, 2, 100), MADE(c, TG_F32, 7), MADE(c, TG_F32, 2, 106)};
    tg_fft_convolution_options o = TG_FFT_CONVOLUTION_OPTIONS_INIT;
    tg_fft_convolution *convolution = NULL;
    tg_status s = t[0] && t[1] && t[2] ? tg_fft_convolution_create(c, 100, 7, &o, &convolution) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_fft_convolve(convolution, t[0], t[1], t[2]);
    tg_fft_convolution_destroy(convolution);
    return give_back(s, t, 3);
}

static tg_status multiply(tg_context *c) {
    tg_tensor *t[] = {MADE(c, TG_F32, 9, 11), MADE(c, TG_F32, 11, 20), MADE(c, TG_F32, 9, 20), NULL};
    tg_status s = t[0] && t[1] && t[2] ? tg_op_matmul(c, t[0], t[1], t[2], NULL) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_op_matmul_pack(c, t[1], &t[3]);
    s = s ? s : tg_op_matmul(c, t[0], t[3], t[2], NULL);
    return give_back(s, t, 4);
}

static tg_status rows(tg_context *c) {
    tg_tensor *t[] = {MADE(c, TG_F32, 2, 3, 10), MADE(c, TG_F32, 2, 3, 10), MADE(c, TG_F32, 6, 10), MADE(c, TG_F32, 6, 10)};
    tg_status s = t[0] && t[1] && t[2] && t[3] ? tg_op_softmax(c, t[0], t[1]) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_op_running_sum(c, t[2], t[3]);
    s = s ? s : tg_kernel_prepare_args(tg_stdlib_kernel(c, "softmax"), TG_ARGS(t[2], t[3]));
    return give_back(s, t, 4);
}

static tg_status exchange(tg_context *c) {
    tg_tensor *t[] = {MADE(c, TG_F32, 4, 5), NULL};
    tg_dl_managed_versioned *capsule = NULL;
    tg_status s = t[0] ? tg_tensor_to_dlpack_versioned(t[0], &capsule) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_tensor_from_dlpack_versioned(c, capsule, &t[1]);
    if (s && capsule) {
        capsule->deleter(capsule);
    }
    return give_back(s, t, 2);
}

static void sweep(tg_status (*run)(tg_context *), const char *name) {
    failing_alloc a;
    failing_alloc_init(&a);
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 2;
    o.allocator = &a.allocator;
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    bool failed = true; /* has one failed? Then go on */
    long n = 0;
    while (failed) {
        failing_alloc_reset(&a, ++n);
        tg_status s = run(c);
        failed = a.n >= n;
        cr_assert(s == TG_OK || s == TG_ERROR_OUT_OF_MEMORY, "%s, allocation %ld: %s, %s", name, n, tg_status_name(s), tg_last_error(c));
        cr_assert(n < 20000, "%s", name);
        failing_alloc_reset(&a, 0);
    }
    cr_expect(n > 4, "%s: %ld", name, n);
    cr_expect_eq(run(c), TG_OK, "%s: %s", name, tg_last_error(c));
    tg_context_destroy(c);
    cr_expect_eq(a.live, 0, "%s: %ld leaked", name, a.live);
}

Test(stdlib_memory, transforms, .timeout = 240) {
    sweep(transform, "transform");
    sweep(convolve, "convolve");
}

Test(stdlib_memory, products_and_rows, .timeout = 240) {
    sweep(multiply, "multiply");
    sweep(rows, "rows");
    sweep(exchange, "exchange");
}
