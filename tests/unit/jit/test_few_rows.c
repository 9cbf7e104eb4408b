/* Code for few rows of a product: compiled when a launch has few, and kept on disk beside the other. */
#include "tests/unit/jit/jit_fixture.h"

enum { SIZE = 256 }; /* 256 x 256 floats are enough to stream */

/* A B for `rows` rows of small integers: exact in any order. */
static void multiply(tg_context *c, tg_kernel *gemm, int64_t rows, int64_t size) {
    tg_tensor *a = tg_tensor_create(c, TG_F32, 2, (int64_t[]){rows, size}), *b = tg_tensor_create(c, TG_F32, 2, (int64_t[]){size, size});
    tg_tensor *y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){rows, size});
    float *x = tg_tensor_data(a), *w = tg_tensor_data(b);
    for (int64_t i = 0; i < rows * size; i++) {
        x[i] = (float)(i % 7 - 3);
    }
    for (int64_t i = 0; i < size * size; i++) {
        w[i] = (float)(i % 5 - 2);
    }
    OK(tg_launch(gemm, TG_ARGS(a, b, y)), c);
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t j = 0; j < size; j += 37) {
            float sum = 0;
            for (int64_t k = 0; k < size; k++) {
                sum += x[r * size + k] * w[k * size + j];
            }
            cr_assert_eq(((float *)tg_tensor_data(y))[r * size + j], sum, "row %lld of %lld", (long long)r, (long long)rows);
        }
    }
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(y);
}

static tg_kernel_stats stats_after(const char *dir, const int64_t *rows, int n, int64_t size) {
    tg_context *c = jit_context(dir, 0, 0);
    tg_module *m = jit_module(c);
    tg_kernel *gemm = tg_module_kernel(m, "gemm");
    for (int i = 0; i < n; i++) {
        multiply(c, gemm, rows[i], size);
    }
    tg_kernel_stats s = {.struct_size = sizeof s};
    tg_kernel_get_stats(gemm, &s);
    tg_module_destroy(m);
    tg_context_destroy(c);
    return s;
}

Test(few_rows, compiled_when_there_are_few) {
    cr_expect_eq(stats_after("", (int64_t[]){200, 193, 300}, 3, SIZE).n_variants, 1);
    cr_expect_eq(stats_after("", (int64_t[]){200, 8, 1, 192, 300}, 5, SIZE).n_variants, 2);
}

/* What was compiled for few rows serves many as well. */
Test(few_rows, first) {
    cr_expect_eq(stats_after("", (int64_t[]){8, 200, 3}, 3, SIZE).n_variants, 1);
}

/* Code for few rows streams what the caches of a core do not hold; of little there is none to be missed. */
Test(few_rows, of_little) {
    cr_expect_eq(stats_after("", (int64_t[]){200, 8}, 2, 32).n_variants, 1);
    cr_expect_eq(stats_after("", (int64_t[]){2000, 192}, 2, 128).n_variants, 1); /* though the rows are larger */
}

Test(few_rows, on_disk) {
    const char *dir = test_temp_dir();
    cr_expect_eq(stats_after(dir, (int64_t[]){200}, 1, SIZE).n_from_cache, 0);
    tg_kernel_stats s = stats_after(dir, (int64_t[]){8}, 1, SIZE); /* the cache says what its code leaves out */
    cr_expect(s.n_variants == 2 && s.n_from_cache == 1);
    s = stats_after(dir, (int64_t[]){8, 200}, 2, SIZE);
    cr_expect(s.n_variants == 2 && s.n_from_cache == 2);
}
