/* The functions of ops.h for convolutions and pooling: choices by rank, order and shape, and errors; otherwise as test_ops.c. */
#include "ops_fixture.h"

/* ---- convolutions ----------------------------------------------------------------------- */

Test(stdlib_ops, convolution_chooses_by_rank, .init = setup, .fini = teardown) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = 2;
    o.pad[0] = 1;
    tg_tensor *x = MAKE(1, 1, 7, 2), *f = MAKE(2, 3, 2, 1), *y = MAKE(3, 1, 4, 1);
    EXPECT_OK(tg_op_conv(ctx, x, f, NULL, y, &o));
    for (int64_t q = 0; q < 4; q++) {
        double sum = 0;
        for (int64_t s = 0; s < 3; s++) {
            int64_t w = 2 * q + s - 1;
            for (int64_t c = 0; c < 2 && w >= 0 && w < 7; c++) {
                sum += (double)*at(x, w * 2 + c) * *at(f, s * 2 + c);
            }
        }
        cr_expect_float_eq(*at(y, q), sum, 6 * 6 * U); /* 6 products of at most 1 */
    }
    /* <conv(x), y> = <x, conv_transpose(y)> = <f, wgrad(x, y)>. Numbers of y are at most 6 and off by 36 u: 4 * 6 * 36 u on the
     * left. 14 elements of dx are sums of 3 products of at most 6: 14 * 3 * 18 u; 6 of df of 4: 6 * 4 * 24 u. */
    tg_tensor *dx = MAKE(4, 1, 7, 2), *df = MAKE(5, 3, 2, 1);
    double left = 0, right = 0, third = 0;
    for (int64_t i = 0; i < 4; i++) {
        left += (double)*at(y, i) * *at(y, i);
    }
    EXPECT_OK(tg_op_conv_transpose(ctx, y, f, NULL, dx, &o));
    EXPECT_OK(tg_op_conv_wgrad(ctx, x, y, df, &o));
    for (int64_t i = 0; i < 14; i++) {
        right += (double)*at(dx, i) * *at(x, i);
    }
    for (int64_t i = 0; i < 6; i++) {
        third += (double)*at(df, i) * *at(f, i);
    }
    cr_expect_float_eq(left, right, (4 * 6 * 36 + 14 * 3 * 18) * U);
    cr_expect_float_eq(left, third, (4 * 6 * 36 + 6 * 4 * 24) * U);
    cr_expect_eq(tg_op_conv(ctx, f, f, NULL, y, &o), TG_ERROR_LAUNCH);
    cr_expect_eq(tg_op_conv(ctx, NULL, f, NULL, y, &o), TG_ERROR_INVALID_ARGUMENT);
    o.struct_size = 1;
    cr_expect_eq(tg_op_conv(ctx, x, f, NULL, y, &o), TG_ERROR_INVALID_ARGUMENT);
    release(x, f, y);
    release(dx, df, NULL);
}

/* Each maximum is what its index says, and the gradient lands there. `n`: outputs. */
static void check_max_pool(tg_tensor *x, tg_tensor *y, tg_tensor *dx, tg_tensor *index, const tg_pooling_options *o, int64_t n) {
    EXPECT_OK(tg_op_max_pool(ctx, x, y, index, o));
    EXPECT_OK(tg_op_max_pool_bwd(ctx, y, index, dx, o));
    for (int64_t i = 0; i < n; i++) {
        int64_t from = ((const int32_t *)tg_tensor_data(index))[i];
        cr_expect_eq(*at(y, i), *at(x, from));
        cr_expect_eq(*at(dx, from), *at(x, from));
    }
}

Test(stdlib_ops, pooling_and_its_gradient, .init = setup, .fini = teardown) {
    tg_pooling_options o = TG_POOLING_OPTIONS_INIT(2, 2);
    tg_tensor *x = MAKE(1, 1, 4, 4, 1), *y = MAKE(2, 1, 2, 2, 1), *dx = MAKE(3, 1, 4, 4, 1);
    tg_tensor *index = tg_tensor_create(ctx, TG_I32, 4, (int64_t[]){1, 2, 2, 1});
    check_max_pool(x, y, dx, index, &o, 4);
    EXPECT_OK(tg_op_avg_pool(ctx, x, y, &o));
    /* sums of 2, 3 and 4 numbers of at most 1 are rounded, here and there; a quarter of it is exact */
    cr_expect_float_eq(*at(y, 3), (*at(x, 10) + *at(x, 11) + *at(x, 14) + *at(x, 15)) / 4,
                       2 * (2 + 3 + 4) * U / 4);
    cr_expect_eq(tg_op_avg_pool(ctx, x, y, NULL), TG_ERROR_INVALID_ARGUMENT);
    o.pad[0] = 2;
    cr_expect_eq(tg_op_avg_pool(ctx, x, y, &o), TG_ERROR_LAUNCH);
    release(x, y, dx);
    tg_tensor_release(index);
}

Test(stdlib_ops, pooling_of_lines_and_volumes, .init = setup, .fini = teardown) {
    tg_pooling_options line = TG_POOLING_OPTIONS_INIT(3), volume = TG_POOLING_OPTIONS_INIT(2, 2, 2);
    tg_tensor *x1 = MAKE(1, 1, 9, 1), *y1 = MAKE(2, 1, 3, 1), *dx1 = MAKE(3, 1, 9, 1);
    tg_tensor *x3 = MAKE(4, 1, 4, 2, 6, 1), *y3 = MAKE(5, 1, 2, 1, 3, 1), *dx3 = MAKE(6, 1, 4, 2, 6, 1);
    tg_tensor *index1 = tg_tensor_create(ctx, TG_I32, 3, (int64_t[]){1, 3, 1}), *index3 = tg_tensor_create(ctx, TG_I32, 5, (int64_t[]){1, 2, 1, 3, 1});
    check_max_pool(x1, y1, dx1, index1, &line, 3);
    check_max_pool(x3, y3, dx3, index3, &volume, 6);
    EXPECT_OK(tg_op_avg_pool(ctx, x1, y1, &line));
    cr_expect_float_eq(*at(y1, 1), (*at(x1, 3) + *at(x1, 4) + *at(x1, 5)) / 3, 2 * (2 + 3 + 3) * U / 3);
    EXPECT_OK(tg_op_avg_pool_bwd(ctx, y1, dx1, &line));
    cr_expect_float_eq(*at(dx1, 4), *at(y1, 1) / 3, U);
    EXPECT_OK(tg_op_avg_pool_bwd(ctx, y3, dx3, &volume));
    cr_expect_eq(*at(dx3, 0), *at(y3, 0) / 8);
    cr_expect_eq(tg_op_avg_pool(ctx, x3, y1, &volume), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_avg_pool(ctx, x1, y3, &line), TG_ERROR_INVALID_ARGUMENT);
    tg_tensor *matrix = MAKE(7, 3, 3);
    cr_expect_eq(tg_op_avg_pool(ctx, matrix, matrix, &line), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_avg_pool(ctx, NULL, y1, &line), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_avg_pool(ctx, x1, NULL, &line), TG_ERROR_INVALID_ARGUMENT);
    line.pad[0] = 2;
    expect_refused(tg_op_avg_pool(ctx, x1, y1, &line), "pad");
    release(x1, y1, dx1);
    release(x3, y3, dx3);
    release(index1, index3, matrix);
}

/* ---- shapes of gradients ---------------------------------------------------------------- */

typedef void (*conv_case_fn)(const tg_conv_options *o, const char *what);

/* Every way in which options make no sense. The extents fit stride 2, pad 1, dilation 1. */
static void each_bad_option(uint32_t space, bool has_groups, conv_case_fn check) {
    for (uint32_t d = 0; d < space; d++) {
        tg_conv_options good = TG_CONV_OPTIONS_INIT;
        for (uint32_t i = 0; i < space; i++) {
            good.stride[i] = 2;
            good.pad[i] = 1;
        }
        tg_conv_options o = good;
        o.stride[d] = 0;
        check(&o, "stride 0");
        o.stride[d] = -2;
        check(&o, "stride -2");
        o.stride[d] = 1;
        check(&o, "stride 1");
        o = good;
        o.dilation[d] = 0;
        check(&o, "dilation 0");
        o.dilation[d] = -1;
        check(&o, "dilation -1");
        o = good;
        o.pad[d] = 3;
        check(&o, "pad 3");
        o = good;
        o.groups = 0;
        if (has_groups) {
            check(&o, "no groups");
        }
    }
}

static void refuse_conv(uint32_t space, const tg_conv_options *o, const char *what) {
    int64_t image[] = {1, 7, 7, 7, 2}, out[] = {1, 4, 4, 4, 2}, filter[] = {3, 3, 3, 2, 2};
    image[space + 1] = out[space + 1] = 2;
    tg_tensor *x = make(space + 2, image, 1), *y = make(space + 2, out, 2),
              *f = make(space + 2, filter + 3 - space, 3);
    expect_refused(tg_op_conv(ctx, x, f, NULL, y, o), what);
    expect_refused(tg_op_conv_transpose(ctx, y, f, NULL, x, o), what);
    expect_refused(tg_op_conv_wgrad(ctx, x, y, f, o), what);
    release(x, y, f);
}

static void refuse_1d(const tg_conv_options *o, const char *what) {
    refuse_conv(1, o, what);
}

static void refuse_2d(const tg_conv_options *o, const char *what) {
    refuse_conv(2, o, what);
}

static void refuse_3d(const tg_conv_options *o, const char *what) {
    refuse_conv(3, o, what);
}

static void refuse_depthwise(const tg_conv_options *o, const char *what) {
    tg_tensor *x = MAKE(1, 1, 7, 7, 2), *y = MAKE(2, 1, 4, 4, 2), *f = MAKE(3, 3, 3, 2);
    expect_refused(tg_op_depthwise2d(ctx, x, f, NULL, y, o), what);
    expect_refused(tg_op_depthwise2d_dgrad(ctx, y, f, x, o), what);
    expect_refused(tg_op_depthwise2d_wgrad(ctx, x, y, f, o), what);
    release(x, y, f);
}

Test(stdlib_ops, convolutions_refuse_what_does_not_fit, .init = setup, .fini = teardown) {
    each_bad_option(1, true, refuse_1d);
    each_bad_option(2, true, refuse_2d);
    each_bad_option(3, true, refuse_3d);
    each_bad_option(2, false, refuse_depthwise);
}

/* Against the direct form. In one dimension 4 5 1 of an input's row, 1/2 of a filter's and 1 1 2 2 8 8 1 of an output's are the largest sums
 * of magnitudes, 10, 1 and 19: 36 products of at most 10^2 * 1 are weighted with at most 19^2, and each is off by
 * less than 40 u; C of them. In tiles of 2 x 2 they are 2, 3/2 and 3, and less than 20 u. */
static const double of_four = 3 * 100. * 361 * 40 * U, of_two = 3 * 4 * 2.25 * 9 * 20 * U;

static void expect_winograd(const tg_tensor *x, const tg_tensor *u, const tg_tensor *bias, tg_tensor *y, const tg_tensor *direct,
                            double bound) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.pad[0] = o.pad[1] = 1;
    EXPECT_OK(tg_op_conv_winograd(ctx, x, u, bias, y, &o));
    for (int64_t i = 0; i < 2 * 7 * 9 * 5; i++) {
        cr_expect_float_eq(*at(y, i), *at(direct, i), bound);
    }
    o.stride[1] = 2;
    cr_expect_eq(tg_op_conv_winograd(ctx, x, u, bias, y, &o), TG_ERROR_INVALID_ARGUMENT);
}

/* [N, C, H, W] as [N, H, W, C] */
static tg_tensor *channels_first(tg_tensor *t) {
    tg_tensor *v = tg_tensor_permute(t, (uint32_t[]){0, 2, 3, 1});
    tg_tensor_release(t);
    return v;
}

Test(stdlib_ops, winograd_computes_the_convolution, .init = setup, .fini = teardown) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.pad[0] = o.pad[1] = 1;
    tg_tensor *x = MAKE(1, 2, 7, 9, 3), *f = MAKE(2, 3, 3, 3, 5), *y = MAKE(3, 2, 7, 9, 5),
              *u = MAKE(4, 36, 1, 3, 16), *u2 = MAKE(9, 16, 1, 3, 16), *direct = MAKE(5, 2, 7, 9, 5), *bias = MAKE(6, 5);
    tg_tensor *planes = channels_first(MAKE(7, 2, 3, 7, 9)), *result = channels_first(MAKE(8, 2, 5, 7, 9));
    EXPECT_OK(tg_op_winograd_filter(ctx, f, u));
    EXPECT_OK(tg_op_conv(ctx, x, f, bias, direct, &o));
    EXPECT_OK(tg_op_copy(ctx, x, planes));
    expect_winograd(x, u, bias, y, direct, of_four);
    expect_winograd(planes, u, bias, result, direct, of_four);
    expect_winograd(planes, u, bias, y, direct, of_four);
    expect_winograd(x, u, bias, result, direct, of_four);
    EXPECT_OK(tg_op_winograd_filter(ctx, f, u2));
    expect_winograd(x, u2, bias, y, direct, of_two);
    expect_winograd(planes, u2, bias, result, direct, of_two);
    release(x, f, y);
    release(u, direct, bias);
    release(planes, result, u2);
}

/* Small whole numbers, of which sums are exact in any order. */
static tg_tensor *whole(tg_tensor *t) {
    for (int64_t i = 0; i < tg_tensor_n_elements(t); i++) {
        *at(t, i) = (float)(int)(4 * *at(t, i));
    }
    return t;
}

static void expect_same(const tg_tensor *a, const tg_tensor *b) {
    for (int64_t i = 0; i < tg_tensor_n_elements(a); i++) {
        cr_assert_eq(*at(a, i), *at(b, i), "element %lld", (long long)i);
    }
}

/* Channels before rows and columns are another kernel: its results are those of channels last. The filter may lie in either order. */
static void expect_planes(int64_t h, int64_t w, int64_t r, int64_t stride, int64_t pad, int64_t dilation, bool filter_too) {
    enum { N = 2, C = 3 };
    const int64_t H = h, W = w, R = r;
    int64_t p = (H + 2 * pad - dilation * (R - 1) - 1) / stride + 1, q = (W + 2 * pad - dilation * (R - 1) - 1) / stride + 1;
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = o.stride[1] = stride;
    o.pad[0] = o.pad[1] = pad;
    o.dilation[0] = o.dilation[1] = dilation;
    tg_tensor *x = whole(MAKE(1, N, H, W, C)), *f = whole(MAKE(2, R, R, C)), *bias = whole(MAKE(3, C)), *y = MAKE(4, N, p, q, C),
              *dx = MAKE(5, N, H, W, C), *df = MAKE(6, R, R, C);
    tg_tensor *x1 = channels_first(MAKE(7, N, C, H, W)), *y1 = channels_first(MAKE(8, N, C, p, q)), *dx1 = channels_first(MAKE(9, N, C, H, W)),
              *f1 = filter_too ? permuted(MAKE(10, C, R, R), 1, 2, 0) : MAKE(10, R, R, C),
              *df1 = filter_too ? permuted(MAKE(11, C, R, R), 1, 2, 0) : MAKE(11, R, R, C);
    EXPECT_OK(tg_op_copy(ctx, x, x1));
    EXPECT_OK(tg_op_copy(ctx, f, f1));
    EXPECT_OK(tg_op_depthwise2d(ctx, x, f, bias, y, &o));
    EXPECT_OK(tg_op_depthwise2d(ctx, x1, f1, bias, y1, &o));
    expect_same(y, y1);
    EXPECT_OK(tg_op_depthwise2d_dgrad(ctx, y, f, dx, &o));
    EXPECT_OK(tg_op_depthwise2d_dgrad(ctx, y1, f1, dx1, &o));
    expect_same(dx, dx1);
    EXPECT_OK(tg_op_depthwise2d_wgrad(ctx, x, y, df, &o));
    EXPECT_OK(tg_op_depthwise2d_wgrad(ctx, x1, y1, df1, &o));
    expect_same(df, df1);
    release(x, f, bias);
    release(y, dx, df);
    release(x1, y1, dx1);
    release(f1, df1, NULL);
}

Test(stdlib_ops, depthwise_of_planes, .init = setup, .fini = teardown) {
    expect_planes(19, 27, 3, 1, 1, 1, true);
    expect_planes(19, 27, 3, 2, 1, 1, false);
    expect_planes(19, 27, 3, 3, 0, 2, true);
    expect_planes(19, 27, 3, 2, 2, 3, true);
}

/* Large filters have a kernel of their own, also for channels first where rows are short. */
Test(stdlib_ops, depthwise_with_large_filters, .init = setup, .fini = teardown) {
    expect_planes(7, 7, 5, 1, 2, 1, true);
    expect_planes(13, 12, 7, 2, 3, 1, false);
    expect_planes(40, 33, 7, 1, 3, 1, true);
}

/* Elements of the image that no finite tap leaves out are finite: nothing is multiplied by what lies between strides. */
static void expect_finite_where_no_tap_reaches(tg_tensor *dy, tg_tensor *f, tg_tensor *dx) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = o.stride[1] = 2;
    o.pad[0] = o.pad[1] = 1;
    for (int64_t i = 0; i < tg_tensor_n_elements(f); i++) {
        *at(f, i) = i == 0 ? INFINITY : 1;
    }
    for (int64_t i = 0; i < tg_tensor_n_elements(dy); i++) {
        *at(dy, i) = 1;
    }
    EXPECT_OK(tg_op_depthwise2d_dgrad(ctx, dy, f, dx, &o));
    for (int64_t i = 0; i < tg_tensor_n_elements(dx); i++) {
        int64_t w = i % 34, h = i / 34;
        bool reached = h % 2 == 1 && w % 2 == 1; /* by the first tap, also from outside dY, where zeros are read */
        cr_expect(isfinite(*at(dx, i)) == !reached, "row %lld, column %lld: %g", (long long)h, (long long)w, (double)*at(dx, i));
    }
}

Test(stdlib_ops, strides_multiply_no_zeros, .init = setup, .fini = teardown) {
    tg_tensor *f = MAKE(1, 3, 3, 1), *dy = channels_first(MAKE(2, 1, 1, 5, 17)), *dx = channels_first(MAKE(3, 1, 1, 9, 34));
    expect_finite_where_no_tap_reaches(dy, f, dx);
    release(dy, dx, NULL);
    dy = MAKE(2, 1, 5, 17, 1);
    dx = MAKE(3, 1, 9, 34, 1);
    expect_finite_where_no_tap_reaches(dy, f, dx);
    release(dy, dx, f);
}

/* ---- groups of few channels --------------------------------------------------------------- */

/* The filter of all channels that does what that of groups does: zeros elsewhere. */
static tg_tensor *spread_filter(const tg_tensor *f, uint32_t rank, int64_t positions, int64_t channels, int64_t all) {
    int64_t shape[] = {3, 3, all, all};
    tg_tensor *full = make(rank, shape + (4 - rank), 1);
    for (int64_t i = 0; i < positions * all * all; i++) {
        int64_t k = i % all, c = i / all % all, position = i / (all * all);
        bool within = k / channels == c / channels;
        *at(full, i) = within ? *at(f, (position * channels + c % channels) * all + k) : 0;
    }
    return full;
}

static tg_tensor *channels_before(tg_tensor *t) {
    return tg_tensor_rank(t) == 3 ? permuted(t, 0, 2, 1) : channels_first(t);
}

/* Images, or sequences of rank 3, of whole numbers, channels last or first. */
static void expect_groups(uint32_t rank, int64_t width, int64_t channels, int64_t groups, int64_t stride, bool first) {
    enum { N = 2, H = 9 };
    int64_t all = channels * groups, p = (H - 1) / stride + 1, q = (width - 1) / stride + 1;
    int64_t image[] = {N, H, width, all}, out[] = {N, p, q, all}, planes[] = {N, all, H, width}, result[] = {N, all, p, q}, filter[] = {3, 3, channels, all};
    if (rank == 3) {
        memcpy(image + 1, (int64_t[]){width, all}, 2 * sizeof *image);
        memcpy(out + 1, (int64_t[]){q, all}, 2 * sizeof *out);
        memcpy(planes + 2, (int64_t[]){width}, sizeof *planes);
        memcpy(result + 2, (int64_t[]){q}, sizeof *result);
    }
    tg_conv_options o = TG_CONV_OPTIONS_INIT, whole_options = TG_CONV_OPTIONS_INIT;
    o.stride[0] = o.stride[1] = whole_options.stride[0] = whole_options.stride[1] = stride;
    o.pad[0] = o.pad[1] = whole_options.pad[0] = whole_options.pad[1] = 1;
    o.groups = groups;
    tg_tensor *x = whole(make(rank, image, 1)), *f = whole(make(rank, filter + 4 - rank, 2)), *bias = whole(MAKE(3, all)),
              *full = spread_filter(f, rank, rank == 3 ? 3 : 9, channels, all), *want = make(rank, out, 4), *back = make(rank, image, 5);
    tg_tensor *x1 = first ? channels_before(make(rank, planes, 6)) : make(rank, image, 6), *y = first ? channels_before(make(rank, result, 7)) : make(rank, out, 7),
              *dx = first ? channels_before(make(rank, planes, 8)) : make(rank, image, 8);
    EXPECT_OK(tg_op_copy(ctx, x, x1));
    EXPECT_OK(tg_op_conv(ctx, x, full, bias, want, &whole_options));
    EXPECT_OK(tg_op_conv(ctx, x1, f, bias, y, &o));
    expect_same(want, y);
    EXPECT_OK(tg_op_conv_transpose(ctx, want, full, bias, back, &whole_options));
    EXPECT_OK(tg_op_conv_transpose(ctx, y, f, bias, dx, &o));
    expect_same(back, dx);
    release(x, f, bias);
    release(full, want, back);
    release(x1, y, dx);
}

Test(stdlib_ops, groups_of_few_channels, .init = setup, .fini = teardown) {
    expect_groups(4, 13, 4, 8, 1, false);
    expect_groups(4, 13, 2, 9, 2, true);
    expect_groups(4, 13, 8, 2, 1, true);
    expect_groups(3, 13, 4, 5, 2, false);
    expect_groups(3, 13, 16, 2, 1, true);
    expect_groups(4, 13, 3, 4, 1, false);
}

/* Channels of a group are known when it is compiled; the gradient with strides is another kernel's. Pixels of 512 channels share sets of a cache. */
Test(stdlib_ops, groups_of_known_channels, .init = setup, .fini = teardown) {
    expect_groups(4, 13, 16, 3, 1, false);
    expect_groups(4, 13, 6, 3, 2, false);
    expect_groups(4, 13, 24, 2, 1, false);
    expect_groups(4, 13, 20, 2, 2, true);
    expect_groups(3, 13, 12, 2, 1, false);
    expect_groups(3, 13, 40, 2, 2, true);
    expect_groups(4, 13, 8, 64, 2, false);
}

/* Rows of 13, or of 7 if the stride is 2, of 10 and more with lanes along them, are columns of products along planes; a single group is one of few channels. */
Test(stdlib_ops, few_channels_of_planes, .init = setup, .fini = teardown) {
    expect_groups(4, 13, 4, 3, 1, true);
    expect_groups(4, 13, 12, 2, 1, true);
    expect_groups(4, 13, 3, 1, 1, true);
    expect_groups(4, 13, 3, 1, 2, true);
    expect_groups(4, 13, 5, 3, 2, true);
    expect_groups(3, 13, 5, 2, 1, true);
    expect_groups(4, 20, 4, 3, 2, true); /* gradients with lanes along the places of a stride */
    expect_groups(4, 19, 5, 2, 2, true);
    expect_groups(3, 35, 7, 1, 2, true);
}

/* Gradients for images of so few channels are computed by planes, also of channels last; two channels more are not. */
static void expect_thin(int64_t taps, int64_t filters, int64_t stride) {
    enum { FEW = 3, MORE = 5, H = 20, W = 22 };
    int64_t pad = taps / 2, p = (H + 2 * pad - taps) / stride + 1, q = (W + 2 * pad - taps) / stride + 1;
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = o.stride[1] = stride;
    o.pad[0] = o.pad[1] = pad;
    tg_tensor *dy = whole(MAKE(1, 2, p, q, filters)), *all = whole(MAKE(2, taps, taps, MORE, filters)), *few = MAKE(3, taps, taps, FEW, filters);
    tg_tensor *want = MAKE(4, 2, H, W, MORE), *dx = MAKE(5, 2, H, W, FEW);
    for (int64_t i = 0; i < tg_tensor_n_elements(few); i++) {
        int64_t position = i / (FEW * filters);
        *at(few, i) = *at(all, position * MORE * filters + i % (FEW * filters));
    }
    EXPECT_OK(tg_op_conv_transpose(ctx, dy, all, NULL, want, &o));
    EXPECT_OK(tg_op_conv_transpose(ctx, dy, few, NULL, dx, &o));
    for (int64_t i = 0; i < tg_tensor_n_elements(dx); i++) {
        cr_assert_eq(*at(dx, i), *at(want, i / FEW * MORE + i % FEW), "stride %lld, element %lld", (long long)stride, (long long)i);
    }
    release(dy, all, few);
    release(want, dx, NULL);
}

Test(stdlib_ops, gradients_of_few_channels, .init = setup, .fini = teardown) {
    expect_thin(3, 8, 1);
    expect_thin(3, 8, 2);
    expect_thin(7, 64, 2); /* more numbers than the first level holds */
    expect_thin(5, 8, 5);  /* more places of the stride than have code of their own */
}

/* ---- filters of one position ---------------------------------------------------------------- */

static void expect_exchanged(int64_t stride) {
    enum { N = 2, H = 7, W = 9, C = 21, K = 18 };
    int64_t p = (H - 1) / stride + 1, q = (W - 1) / stride + 1;
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = o.stride[1] = stride;
    tg_tensor *x = whole(MAKE(1, N, H, W, C)), *dy = whole(MAKE(2, N, p, q, K)), *df = MAKE(3, 1, 1, C, K);
    tg_tensor *x1 = channels_first(MAKE(4, N, C, H, W)), *dy1 = channels_first(MAKE(5, N, K, p, q)), *by_filter = MAKE(6, K, C, 1, 1),
              *df1 = tg_tensor_permute(by_filter, (uint32_t[]){2, 3, 1, 0});
    EXPECT_OK(tg_op_copy(ctx, x, x1));
    EXPECT_OK(tg_op_copy(ctx, dy, dy1));
    EXPECT_OK(tg_op_conv_wgrad(ctx, x, dy, df, &o));
    EXPECT_OK(tg_op_conv_wgrad(ctx, x1, dy1, df1, &o));
    expect_same(df, df1);
    release(x, dy, df);
    release(x1, dy1, by_filter);
    release(df1, NULL, NULL);
}

Test(stdlib_ops, gradients_of_filters_of_one_position, .init = setup, .fini = teardown) {
    expect_exchanged(1);
    expect_exchanged(2);
}

static void fill(tg_tensor *t, float v) {
    for (int64_t i = 0; i < tg_tensor_n_elements(t); i++) {
        *at(t, i) = v;
    }
}

/* Ones everywhere; an infinite factor of tap (0, 2), which makes a NaN of the zeros outside of the image: above it and right of it. */
static float sum_of_ones(int64_t p, int64_t q, int64_t channels, bool infinite) {
    int64_t rows = p == 0 || p == 6 ? 2 : 3, columns = q == 0 || q == 7 ? 2 : 3;
    return !infinite ? (float)(rows * columns * channels) : p == 0 || q == 7 ? NAN : INFINITY;
}

static void expect_sums(const tg_tensor *y, int64_t channels, int64_t infinite) {
    int64_t filters = tg_tensor_shape(y)[3];
    for (int64_t i = 0; i < tg_tensor_n_elements(y); i++) {
        int64_t k = i % filters, q = i / filters % 8, p = i / filters / 8;
        float expected = sum_of_ones(p, q, channels, k == infinite), found = *at(y, i);
        cr_expect(isnan(expected) ? isnan(found) : found == expected, "[%d, %d, %d]: %g for %g", (int)p, (int)q, (int)k, (double)found, (double)expected);
    }
}

Test(stdlib_ops, products_at_borders_are_left_out_only_if_they_are_zero, .init = setup, .fini = teardown) {
    SKIP_WITHOUT_PACKING();
    enum { CHANNELS = 160, FILTERS = 40, COLUMN = 33 }; /* enough for leaving out to pay, with AVX2 too */
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.pad[0] = o.pad[1] = 1;
    tg_tensor *x = MAKE(1, 1, 7, 8, CHANNELS), *f = MAKE(2, 3, 3, CHANNELS, FILTERS), *y = MAKE(3, 1, 7, 8, FILTERS), *packed;
    fill(x, 1);
    fill(f, 1);
    for (int64_t infinite = -1; infinite <= COLUMN; infinite += COLUMN + 1) {
        if (infinite > 0) {
            *at(f, (2 * CHANNELS + 5) * FILTERS + infinite) = INFINITY;
        }
        EXPECT_OK(tg_op_conv_pack(ctx, f, &o, &packed));
        EXPECT_OK(tg_op_conv(ctx, x, f, NULL, y, &o));
        expect_sums(y, CHANNELS, infinite);
        fill(y, 0);
        EXPECT_OK(tg_op_conv(ctx, x, packed, NULL, y, &o));
        expect_sums(y, CHANNELS, infinite);
        tg_tensor_release(packed);
    }
    release(x, f, y);
}

/* The same layer with channels last and, as permuted views, first. */
Test(stdlib_ops, products_at_borders_are_left_out_in_any_order, .init = setup, .fini = teardown) {
    enum { CHANNELS = 70, FILTERS = 96 };
    for (int stride = 1; stride <= 2; stride++) {
        int64_t p = stride == 1 ? 9 : 4, q = stride == 1 ? 10 : 5;
        tg_conv_options o = TG_CONV_OPTIONS_INIT;
        o.stride[0] = o.stride[1] = stride;
        o.dilation[1] = 2;
        o.pad[0] = 1;
        o.pad[1] = 2;
        tg_tensor *x = MAKE(1, 1, 9, 10, CHANNELS), *f = MAKE(2, 3, 3, CHANNELS, FILTERS), *y = MAKE(3, 1, p + (stride == 2), q, FILTERS);
        tg_tensor *x1 = channels_first(MAKE(4, 1, CHANNELS, 9, 10)), *y1 = channels_first(MAKE(6, 1, FILTERS, p + (stride == 2), q));
        tg_tensor *stored = MAKE(5, FILTERS, CHANNELS, 3, 3), *f1 = tg_tensor_permute(stored, (uint32_t[]){2, 3, 1, 0});
        EXPECT_OK(tg_op_copy(ctx, x, x1));
        EXPECT_OK(tg_op_copy(ctx, f, f1));
        EXPECT_OK(tg_op_conv(ctx, x, f, NULL, y, &o));
        EXPECT_OK(tg_op_conv(ctx, x1, f1, NULL, y1, &o));
        for (int64_t i = 0; i < tg_tensor_n_elements(y); i++) {
            cr_expect_float_eq(*at(y, i), *at(y1, i), 2 * 9 * CHANNELS * U * 9 * CHANNELS);
        }
        release(x, f, y);
        release(x1, f1, y1);
        tg_tensor_release(stored);
    }
}

static void expect_extents(const int64_t *f, const int64_t *y, const int64_t *expected) {
    int64_t extents[4];
    tg_tensor *filter = tg_tensor_from_memory(ctx, TG_F32, 4, f, NULL, &extents, NULL, NULL),
              *result = tg_tensor_from_memory(ctx, TG_F32, 4, y, NULL, &extents, NULL, NULL);
    EXPECT_OK(tg_op_winograd_filter_extents(ctx, filter, result, extents));
    cr_expect_arr_eq(extents, expected, sizeof extents);
    release(filter, result, NULL);
}

Test(stdlib_ops, winograd_takes_small_tiles_for_few_pixels_of_many_channels, .init = setup, .fini = teardown) {
    int64_t two = ctx->machine.vector_bits / 16, all = 1 << 15;
    expect_extents((int64_t[]){3, 3, 3, 5}, (int64_t[]){2, 7, 9, 5}, (int64_t[]){36, 1, 3, two});
    expect_extents((int64_t[]){3, 3, 0, 2 * two + 1}, (int64_t[]){0, 7, 9, 2 * two + 1}, (int64_t[]){36, 3, 0, two});
    expect_extents((int64_t[]){3, 3, all, all}, (int64_t[]){1, 7, 7, all}, (int64_t[]){16, all / two, all, two});
    expect_extents((int64_t[]){3, 3, all, all}, (int64_t[]){2, 7, 7, all}, (int64_t[]){36, all / two, all, two});
    int64_t extents[4];
    tg_tensor *f = MAKE(1, 3, 3, 2, 2), *five = MAKE(2, 5, 5, 2, 2), *y = MAKE(3, 1, 4, 4, 2);
    cr_expect_eq(tg_op_winograd_filter_extents(NULL, f, y, extents), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_winograd_filter_extents(ctx, five, y, extents), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_winograd_filter_extents(ctx, f, NULL, extents), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_winograd_filter_extents(ctx, f, y, NULL), TG_ERROR_INVALID_ARGUMENT);
    release(f, five, y);
}

/* Images of 7 and 8 both give 4 outputs: the second is a transposed convolution with output padding. */
Test(stdlib_ops, transposed_convolution_takes_output_padding, .init = setup, .fini = teardown) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = 2;
    o.pad[0] = 1;
    tg_tensor *y = MAKE(1, 1, 4, 2), *f = MAKE(2, 3, 1, 2), *x7 = MAKE(3, 1, 7, 1),
              *x8 = MAKE(4, 1, 8, 1), *x9 = MAKE(5, 1, 9, 1);
    EXPECT_OK(tg_op_conv_transpose(ctx, y, f, NULL, x7, &o));
    EXPECT_OK(tg_op_conv_transpose(ctx, y, f, NULL, x8, &o));
    for (int64_t w = 0; w < 7; w++) {
        cr_expect_eq(*at(x7, w), *at(x8, w));
    }
    expect_refused(tg_op_conv_transpose(ctx, y, f, NULL, x9, &o), "9 have 5 outputs");
    release(y, f, x7);
    release(x8, x9, NULL);
}

static void refuse_pools(const tg_pooling_options *o, const char *what) {
    tg_tensor *x = MAKE(1, 1, 7, 7, 2), *y = MAKE(2, 1, 4, 4, 2);
    tg_tensor *index = tg_tensor_create(ctx, TG_I32, 4, (int64_t[]){1, 4, 4, 2});
    expect_refused(tg_op_max_pool(ctx, x, y, index, o), what);
    expect_refused(tg_op_max_pool_bwd(ctx, y, index, x, o), what);
    expect_refused(tg_op_avg_pool(ctx, x, y, o), what);
    expect_refused(tg_op_avg_pool_bwd(ctx, y, x, o), what);
    release(x, y, index);
}

Test(stdlib_ops, pools_refuse_what_does_not_fit, .init = setup, .fini = teardown) {
    for (uint32_t d = 0; d < 2; d++) {
        tg_pooling_options good = TG_POOLING_OPTIONS_INIT(3, 3), o;
        good.stride[0] = good.stride[1] = 2;
        good.pad[0] = good.pad[1] = 1;
        static const int64_t strides[] = {0, -2, 1}, pads[] = {2, -1}, windows[] = {0, -3, 5};
        for (int i = 0; i < 3; i++) {
            o = good;
            o.stride[d] = strides[i];
            refuse_pools(&o, "stride");
            o = good;
            o.window[d] = windows[i];
            refuse_pools(&o, "window");
        }
        for (int i = 0; i < 2; i++) {
            o = good;
            o.pad[d] = pads[i];
            refuse_pools(&o, "pad");
        }
    }
}
