/* An element that is only copied keeps its bits, those of a NaN included, with and without instructions for f16. */
#include "jit_fixture.h"

#include <stdint.h>

static const char source[] =
    "kernel copy<T: f8e8m0 | f8e5m2 | f8e4m3 | f16 | bf16 | f32 | f64>(in T X[N], out T Y[N]) { grid (i in N) Y[i] = X[i]; }\n";

/* All codes of up to 16 bits; of longer ones the specials, the least and those in between that a step of 1 in the top 16 gives. */
static void fill(uint8_t *data, int64_t n, size_t bytes) {
    for (int64_t i = 0; i < n; i++) {
        uint64_t code = bytes <= 2 ? (uint64_t)i : (uint64_t)i << (8 * bytes - 16) | (i & 1);
        memcpy(data + (size_t)i * bytes, &code, bytes);
    }
}

static void check_copy(tg_context *c, tg_kernel *k, tg_dtype t, size_t bytes) {
    int64_t n = bytes == 1 ? 256 : 65536;
    tg_tensor *x = tg_tensor_create(c, t, 1, &n), *y = tg_tensor_create(c, t, 1, &n);
    uint8_t *from = tg_tensor_data(x), *to = tg_tensor_data(y);
    fill(from, n, bytes);
    OK(tg_launch(k, TG_ARGS(x, y)), c);
    int wrong = 0;
    for (int64_t i = 0; i < n; i++) {
        wrong += memcmp(from + (size_t)i * bytes, to + (size_t)i * bytes, bytes) != 0;
    }
    cr_expect_eq(wrong, 0, "%s, type %d: %d of %lld codes have changed", tg_context_arch(c), (int)t, wrong, (long long)n);
    tg_tensor_release(x);
    tg_tensor_release(y);
}

Test(jit, copies_keep_all_bits) {
    for (const char *const *arch = (const char *const[]){"", "v2", NULL}; *arch; arch++) {
        tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
        o.cache_dir = "";
        o.arch = **arch ? *arch : NULL;
        tg_context *c;
        tg_module *m;
        cr_assert_eq(tg_context_create(&o, &c), TG_OK, "%s", tg_last_error(NULL));
        OK(tg_module_load_text(c, "copy.dsl", source, sizeof source - 1, &m), c);
        tg_kernel *k = tg_module_kernel(m, "copy");
        check_copy(c, k, TG_F8E8M0, 1);
        check_copy(c, k, TG_F8E5M2, 1);
        check_copy(c, k, TG_F8E4M3, 1);
        check_copy(c, k, TG_F16, 2);
        check_copy(c, k, TG_BF16, 2);
        check_copy(c, k, TG_F32, 4);
        check_copy(c, k, TG_F64, 8);
        tg_module_destroy(m);
        tg_context_destroy(c);
    }
}
