/* Gradients of filters of groups with few channels, several of which are computed together. */
#include "stdlib/ops_conv_groups.h"
#include "stdlib_fixture.h"

#include <math.h>

enum { IMAGES = 2, ROWS = 5, TAPS = 3 };

static tg_tensor *numbers(int64_t a, int64_t b, int64_t c, int64_t d, int seed) {
    tg_tensor *t = tg_tensor_create(ctx, TG_F32, 4, (int64_t[]){a, b, c, d});
    cr_assert_not_null(t, "%s", tg_last_error(ctx));
    float *data = tg_tensor_data(t);
    for (int64_t i = 0; i < a * b * c * d; i++) {
        data[i] = (float)((i * 37 + seed) % 17 - 8); /* sums of their products are exact */
    }
    return t;
}

static float at(const tg_tensor *t, int64_t i, int64_t j, int64_t k, int64_t l) {
    const int64_t *s = tg_tensor_strides(t);
    return ((const float *)tg_tensor_data(t))[i * s[0] + j * s[1] + k * s[2] + l * s[3]];
}

/* Padded by one, stride 1. */
static float exact(const tg_tensor *x, const tg_tensor *dy, int64_t r, int64_t s, int64_t c, int64_t k) {
    float sum = 0;
    int64_t columns = tg_tensor_shape(x)[2];
    for (int64_t n = 0; n < IMAGES; n++) {
        for (int64_t p = 0; p < ROWS; p++) {
            for (int64_t q = 0; q < columns; q++) {
                int64_t h = p + r - 1, w = q + s - 1;
                bool inside = h >= 0 && h < ROWS && w >= 0 && w < columns;
                sum += inside ? at(x, n, h, w, c) * at(dy, n, p, q, k) : 0;
            }
        }
    }
    return sum;
}

typedef struct layer {
    int64_t groups, channels, filters; /* of a group */
    int64_t joined;
} layer;

static void compare(const layer *a, const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df) {
    for (int64_t i = 0; i < TAPS * TAPS * a->channels; i++) {
        int64_t r = i / a->channels / TAPS, s = i / a->channels % TAPS, c = i % a->channels;
        for (int64_t k = 0; k < a->groups * a->filters; k++) {
            float want = exact(x, dy, r, s, k / a->filters * a->channels + c, k), got = at(df, r, s, c, k);
            cr_expect(want == got || (isnan(want) && isnan(got)), "%lld groups: %g, not %g", (long long)a->groups, (double)got, (double)want);
        }
    }
}

static void run(const layer *a, int64_t columns, bool channels_first) {
    static const uint32_t as_channels_last[] = {0, 2, 3, 1}, as_filter[] = {2, 3, 1, 0};
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    int64_t c = a->groups * a->channels, k = a->groups * a->filters;
    o.pad[0] = o.pad[1] = 1;
    o.groups = a->groups;
    tg_tensor *own[] = {channels_first ? numbers(IMAGES, c, ROWS, columns, 1) : numbers(IMAGES, ROWS, columns, c, 1),
                        channels_first ? numbers(IMAGES, k, ROWS, columns, 5) : numbers(IMAGES, ROWS, columns, k, 5),
                        channels_first ? numbers(k, a->channels, TAPS, TAPS, 9) : numbers(TAPS, TAPS, a->channels, k, 9)};
    tg_tensor *view[3];
    for (int i = 0; i < 3; i++) {
        view[i] = channels_first ? tg_tensor_permute(own[i], i < 2 ? as_channels_last : as_filter) : tg_tensor_retain(own[i]);
    }
    ((float *)tg_tensor_data(own[0]))[0] = NAN; /* in a channel of the first group, which no other may see */
    cr_expect_eq(tg_conv_joined_groups(view[0], view[1], view[2], a->groups), channels_first ? 1 : a->joined);
    cr_assert_eq(tg_op_conv_wgrad(ctx, view[0], view[1], view[2], &o), TG_OK, "%s", tg_last_error(ctx));
    compare(a, view[0], view[1], view[2]);
    for (int i = 0; i < 3; i++) {
        tg_tensor_release(view[i]);
        tg_tensor_release(own[i]);
    }
}

Test(stdlib_conv, groups_of_few_channels, .init = setup, .fini = teardown) {
    static const layer layers[] = {{8, 2, 2, 8}, {6, 3, 5, 6}, {8, 4, 4, 4}, {3, 8, 8, 3}, {4, 1, 8, 2}, {2, 4, 16, 1}, {1, 4, 4, 1}};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        run(&layers[i], 5, false);
        run(&layers[i], 5, true);
        run(&layers[i], 11, true); /* long enough for lanes along them */
    }
}

Test(stdlib_conv, groups_that_do_not_fit, .init = setup, .fini = teardown) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.pad[0] = o.pad[1] = 1;
    o.groups = 4;
    tg_tensor *x = numbers(1, 4, 4, 8, 0), *dy = numbers(1, 4, 4, 8, 0), *df = numbers(3, 3, 3, 8, 0), *odd = numbers(1, 4, 4, 6, 0);
    cr_expect_eq(tg_op_conv_wgrad(ctx, x, dy, df, &o), TG_ERROR_LAUNCH);  /* 4 groups of 3 channels are not 8 */
    cr_expect_eq(tg_op_conv_wgrad(ctx, x, odd, df, &o), TG_ERROR_LAUNCH); /* nor 6 filters 4 groups */
    cr_expect_neq(tg_op_conv_wgrad(ctx, x, NULL, df, &o), TG_OK);
    cr_expect_neq(tg_op_conv_wgrad(NULL, x, dy, df, &o), TG_OK);
    o.groups = 0;
    cr_expect_eq(tg_op_conv_wgrad(ctx, x, dy, df, &o), TG_ERROR_LAUNCH);
    tg_tensor *all[] = {x, dy, df, odd};
    for (int i = 0; i < 4; i++) {
        tg_tensor_release(all[i]);
    }
}
