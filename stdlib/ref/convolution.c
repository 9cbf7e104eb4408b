/* References: convolutions of one to three spatial dimensions with groups, depthwise ones, pooling. All are written as sums over
 * the positions of image, filter and output that meet. See ref.h. */
#include <math.h>
#include <string.h>

#include "stdlib/ref/activate.h"
#include "stdlib/ref/ref.h"

enum { SPACE = 3 }; /* depth, height, width; those that a kernel lacks have extent 1 */

typedef struct conv {
    int64_t n, c, k, groups;
    int64_t image[SPACE], filter[SPACE], output[SPACE], stride[SPACE], pad[SPACE], dil[SPACE];
    bool planes; /* channels before positions in memory */
} conv;

/* `name` of one dimension, or what all dimensions share. */
static int64_t each_or_all(const kcase *c, const char *name, const char *all, int64_t otherwise) {
    return kd_or(c, kname(c, name, all), otherwise);
}

/* Channels in all, or those of [group, channel of the group]. */
static void count_channels(const kcase *c, conv *v) {
    if (khas(c, "G")) {
        int64_t groups = kd(c, "G");
        v->groups = groups > 0 ? groups : 1;
        v->c = groups * kd(c, "CG");
        v->k = groups * kd(c, "KG");
        return;
    }
    v->c = kd(c, "C");
    v->k = kd_or(c, "K", v->c);
    v->groups = kd_or(c, "groups", kd_or(c, "CG", 0) > 0 && v->c > 0 ? v->c / kd(c, "CG") : 1);
}

static conv sizes(const kcase *c) {
    static const char *const images[] = {"D", "H", "W"}, *const filters[] = {"U", "R", "S"},
                      *const outputs[] = {"O", "P", "Q"},
                      *const strides[] = {"stride_d", "stride_h", "stride_w"},
                      *const pads[] = {"pad_d", "pad_h", "pad_w"},
                      *const dils[] = {"dil_d", "dil_h", "dil_w"};
    conv v = {.n = kd(c, "N")};
    count_channels(c, &v);
    for (int i = 0; i < SPACE; i++) {
        bool here = khas(c, images[i]);
        v.image[i] = kd_or(c, images[i], 1);
        v.filter[i] = kd_or(c, filters[i], 1);
        v.output[i] = kd_or(c, outputs[i], 1);
        v.stride[i] = here ? each_or_all(c, strides[i], "stride", 1) : 1;
        v.pad[i] = here ? each_or_all(c, pads[i], "pad", 0) : 0;
        v.dil[i] = here ? each_or_all(c, dils[i], "dil", 1) : 1;
    }
    return v;
}

static int64_t volume(const int64_t extent[SPACE]) {
    return extent[0] * extent[1] * extent[2];
}

/* Position in the image of output position y and filter position f of an image; -1 outside. */
static int64_t meet(const conv *v, int64_t y, int64_t f) {
    int64_t at = 0, step = 1;
    for (int i = SPACE - 1; i >= 0; i--) {
        int64_t x = y % v->output[i] * v->stride[i] + f % v->filter[i] * v->dil[i] - v->pad[i];
        if (x < 0 || x >= v->image[i]) {
            return -1;
        }
        at += x * step;
        step *= v->image[i];
        y /= v->output[i];
        f /= v->filter[i];
    }
    return at;
}

typedef void (*tap_fn)(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y);

/* All (image, filter, output) positions that meet, of all images, without their channels. */
static void walk_taps(kcase *c, const conv *v, tap_fn fn) {
    for (int64_t n = 0; n < v->n; n++) {
        for (int64_t y = 0; y < volume(v->output); y++) {
            for (int64_t f = 0; f < volume(v->filter); f++) {
                int64_t x = meet(v, y, f);
                if (x >= 0) {
                    fn(c, v, n * volume(v->image) + x, f, n * volume(v->output) + y);
                }
            }
        }
    }
}

static void each_tap(kcase *c, tap_fn fn) {
    conv v = sizes(c);
    walk_taps(c, &v, fn);
}

static void clear(kcase *c, const char *name) {
    memset(kt(c, name), 0, (size_t)kn(c, name) * sizeof(double));
}

/* y = act(y + bias[channel]), of kernels that have them; `apart`: elements from a channel to the next */
static void finish(kcase *c, const char *name, int64_t channels, int64_t apart) {
    double *y = kt(c, name), *bias = kt_if(c, "bias");
    for (int64_t i = 0; i < kn(c, name); i++) {
        y[i] = ref_activate(y[i] + (bias ? bias[i / apart % channels] : 0), kd_or(c, "act", 0), 0);
    }
}

/* Calls of the three directions: channel k of the output belongs to group k / (K / groups), which reads C / groups channels. */
#define EACH_CHANNEL(v)                                                                        \
    for (int64_t k = 0, per = v->k / v->groups, cg = v->c / v->groups; k < v->k; k++)          \
        for (int64_t a = 0, in = k / per * cg; a < cg; a++)

static void forward(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    EACH_CHANNEL(v) {
        kt(c, "Y")[y * v->k + k] += kt(c, "X")[x * v->c + in + a] * kt(c, "F")[(f * cg + a) * v->k + k];
    }
}

static void to_image(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    EACH_CHANNEL(v) {
        kt(c, "dX")[x * v->c + in + a] += kt(c, "dY")[y * v->k + k] * kt(c, "F")[(f * cg + a) * v->k + k];
    }
}

static void to_filter(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    EACH_CHANNEL(v) {
        kt(c, "dF")[(f * cg + a) * v->k + k] += kt(c, "dY")[y * v->k + k] * kt(c, "X")[x * v->c + in + a];
    }
}

void ref_conv(kcase *c) {
    clear(c, "Y");
    each_tap(c, forward);
    finish(c, "Y", sizes(c).k, 1);
}

void ref_conv_dgrad(kcase *c) {
    clear(c, "dX");
    each_tap(c, to_image);
    finish(c, "dX", sizes(c).c, 1);
}

/* Element of channel a at position `at`, of all images with so many `positions` each, or of a filter. */
static int64_t element(const conv *v, const int64_t extent[SPACE], int64_t at, int64_t a) {
    int64_t n = volume(extent), channels = extent == v->output ? v->k : v->c;
    return v->planes ? (at / n * channels + a) * n + at % n : at * channels + a;
}

static void planes(kcase *c, const char *out, tap_fn fn) {
    conv v = sizes(c);
    v.planes = true;
    clear(c, out);
    walk_taps(c, &v, fn);
}

/* With filters as [K, C / groups, filter…] */
static void planes_forward(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    int64_t taps = volume(v->filter);
    EACH_CHANNEL(v) {
        kt(c, "Y")[element(v, v->output, y, k)] += kt(c, "X")[element(v, v->image, x, in + a)] * kt(c, "F")[(k * cg + a) * taps + f];
    }
}

static void planes_to_image(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    int64_t taps = volume(v->filter);
    EACH_CHANNEL(v) {
        kt(c, "dX")[element(v, v->image, x, in + a)] += kt(c, "dY")[element(v, v->output, y, k)] * kt(c, "F")[(k * cg + a) * taps + f];
    }
}

static void planes_to_filter(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    int64_t taps = volume(v->filter);
    EACH_CHANNEL(v) {
        kt(c, "dF")[(k * cg + a) * taps + f] += kt(c, "dY")[element(v, v->output, y, k)] * kt(c, "X")[element(v, v->image, x, in + a)];
    }
}

void ref_conv_planes_dgrad(kcase *c) {
    planes(c, "dX", planes_to_image);
    finish(c, "dX", sizes(c).c, kd(c, "H") * kd(c, "W"));
}

void ref_conv_planes_wgrad(kcase *c) {
    planes(c, "dF", planes_to_filter);
}

void ref_conv_planes(kcase *c) {
    planes(c, "Y", planes_forward);
    finish(c, "Y", sizes(c).k, kd(c, "P") * kd(c, "Q"));
}

void ref_conv_wgrad(kcase *c) {
    clear(c, "dF");
    each_tap(c, to_filter);
}

/* ---- Winograd -------------------------------------------------------------------------------------- */

enum { TILE = 6, OUT = 4, TAPS = 3 };

/* The matrices of F(out x out, 3 x 3); a side of a tile is tile = out + 2. */
typedef struct winograd {
    int64_t tile, out;
    double input[TILE * TILE], filter[TILE * TAPS], output[OUT * TILE];
} winograd;

static const winograd
    of_four = {TILE,
               OUT,
               {4, 0, -5, 0, 1, 0, 0, -4, -4, 1, 1, 0, 0, 4, -4, -1, 1, 0,
                0, -2, -1, 2, 1, 0, 0, 2, -1, -2, 1, 0, 0, 4, 0, -5, 0, 1},
               {1. / 4, 0, 0, -1. / 6, -1. / 6, -1. / 6, -1. / 6, 1. / 6, -1. / 6,
                1. / 24, 1. / 12, 1. / 6, 1. / 24, -1. / 12, 1. / 6, 0, 0, 1},
               {1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0, 0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1}},
    of_two = {4,
              2,
              {1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, 1, 0, -1},
              {1, 0, 0, 1. / 2, 1. / 2, 1. / 2, 1. / 2, -1. / 2, 1. / 2, 0, 0, 1},
              {1, 1, 1, 0, 0, 1, -1, -1}};

/* out [m, m] = a x a' for a [m, n] and x [n, n] */
static void both_sides(const double *a, int64_t m, int64_t n, const double *x, double *out) {
    for (int64_t at = 0; at < m * m; at++) {
        out[at] = 0;
        for (int64_t k = 0; k < n * n; k++) {
            out[at] += a[at / m * n + k / n] * a[at % m * n + k % n] * x[k];
        }
    }
}

static void transform_filters(kcase *c, const winograd *w) {
    int64_t n_c = kd(c, "C"), n_k = kd(c, "K"), b = kd(c, "B"), all = kd(c, "KB") * n_c * b;
    for (int64_t at = 0; at < all; at++) {
        int64_t channel = at / b % n_c, k = at / (b * n_c) * b + at % b;
        double f[TAPS * TAPS], u[TILE * TILE];
        for (int64_t i = 0; i < TAPS * TAPS; i++) {
            f[i] = k < n_k ? kt(c, "F")[(i * n_c + channel) * n_k + k] : 0;
        }
        both_sides(w->filter, w->tile, TAPS, f, u);
        for (int64_t i = 0; i < w->tile * w->tile; i++) {
            kt(c, "U")[i * all + at] = u[i];
        }
    }
}

void ref_winograd_filter(kcase *c) {
    transform_filters(c, &of_four);
}

void ref_winograd2_filter(kcase *c) {
    transform_filters(c, &of_two);
}

/* x of one tile and channel; (h, w) is its first position. */
static void winograd_tile(const kcase *c, const conv *v, int64_t side, int64_t n, int64_t h,
                          int64_t w, int64_t channel, double *x) {
    for (int64_t i = 0; i < side * side; i++) {
        int64_t y = h + i / side, z = w + i % side;
        bool inside = y >= 0 && y < v->image[1] && z >= 0 && z < v->image[2];
        x[i] = inside
                   ? kt(c, "X")[((n * v->image[1] + y) * v->image[2] + z) * v->c + channel]
                   : 0;
    }
}

static void convolve_tiles(kcase *c, const winograd *w) {
    conv v = sizes(c);
    int64_t out = w->out, tile = w->tile;
    int64_t rows = (v.output[1] + out - 1) / out, columns = (v.output[2] + out - 1) / out;
    int64_t b = kd(c, "B"), n_b = kd(c, "KB");
    for (int64_t at = 0; at < v.n * rows * columns * v.k; at++) {
        int64_t k = at % v.k, t = at / v.k, n = t / (rows * columns),
                p = t / columns % rows * out, q = t % columns * out;
        double sums[TILE * TILE] = {0}, y[OUT * OUT];
        for (int64_t channel = 0; channel < v.c; channel++) {
            double x[TILE * TILE], side[TILE * TILE];
            winograd_tile(c, &v, tile, n, p - v.pad[1], q - v.pad[2], channel, x);
            both_sides(w->input, tile, tile, x, side);
            for (int64_t i = 0; i < tile * tile; i++) {
                sums[i] += side[i] * kt(c, "U")[((i * n_b + k / b) * v.c + channel) * b + k % b];
            }
        }
        both_sides(w->output, out, tile, sums, y);
        for (int64_t i = 0; i < out * out; i++) {
            if (p + i / out < v.output[1] && q + i % out < v.output[2]) {
                kt(c, "Y")[((n * v.output[1] + p + i / out) * v.output[2] + q + i % out) * v.k + k] = y[i];
            }
        }
    }
    finish(c, "Y", v.k, 1);
}

void ref_conv_winograd(kcase *c) {
    convolve_tiles(c, &of_four);
}

void ref_conv_winograd2(kcase *c) {
    convolve_tiles(c, &of_two);
}

/* ---- depthwise ----------------------------------------------------------------------------------- */

static void channel_forward(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    for (int64_t a = 0; a < v->c; a++) {
        kt(c, "Y")[element(v, v->output, y, a)] +=
            kt(c, "X")[element(v, v->image, x, a)] * kt(c, "F")[element(v, v->filter, f, a)];
    }
}

static void channel_to_image(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    for (int64_t a = 0; a < v->c; a++) {
        kt(c, "dX")[element(v, v->image, x, a)] +=
            kt(c, "dY")[element(v, v->output, y, a)] * kt(c, "F")[element(v, v->filter, f, a)];
    }
}

static void channel_to_filter(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    for (int64_t a = 0; a < v->c; a++) {
        kt(c, "dF")[element(v, v->filter, f, a)] +=
            kt(c, "dY")[element(v, v->output, y, a)] * kt(c, "X")[element(v, v->image, x, a)];
    }
}

static void depthwise(kcase *c, const char *out, tap_fn fn, bool planes) {
    conv v = sizes(c);
    v.planes = planes;
    clear(c, out);
    walk_taps(c, &v, fn);
}

void ref_depthwise2d(kcase *c) {
    depthwise(c, "Y", channel_forward, false);
    finish(c, "Y", kd(c, "C"), 1);
}

void ref_depthwise2d_dgrad(kcase *c) {
    depthwise(c, "dX", channel_to_image, false);
}

void ref_depthwise2d_wgrad(kcase *c) {
    depthwise(c, "dF", channel_to_filter, false);
}

void ref_depthwise2d_planes(kcase *c) {
    depthwise(c, "Y", channel_forward, true);
    finish(c, "Y", kd(c, "C"), kd(c, "P") * kd(c, "Q"));
}

void ref_depthwise2d_planes_dgrad(kcase *c) {
    depthwise(c, "dX", channel_to_image, true);
}

void ref_depthwise2d_planes_wgrad(kcase *c) {
    depthwise(c, "dF", channel_to_filter, true);
}

/* ---- pooling ------------------------------------------------------------------------------------- */

/* U, R and S are scalars of these kernels, so sizes() finds the filter. */
static void take_largest(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    (void)f;
    for (int64_t a = 0; a < v->c; a++) {
        double *best = &kt(c, "Y")[y * v->c + a], *at = &kt(c, "A")[y * v->c + a],
               value = kt(c, "X")[x * v->c + a];
        if (*at < 0 || value > *best || (isnan(value) && !isnan(*best))) {
            *best = value;
            *at = (double)(x % volume(v->image));
        }
    }
}

/* Few different values, so that the first of equals shows; NaN here and there; the corner of every image is -inf, whole windows
 * of it, and those reach outside. */
void prepare_max_pool(kcase *c) {
    conv geometry = sizes(c);
    int64_t w = kd(c, "W"), h = kd(c, "H"), ch = kd(c, "C");
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        int64_t at = i / ch % volume(geometry.image), v = krandint(c, 0, 63);
        bool corner = at / w % h < 4 && at % w < 4 && at / w / h < 4;
        kt(c, "X")[i] = corner || v < 6 ? -INFINITY : v == 63 ? NAN : (double)(v % 4 - 2);
    }
}

void ref_max_pool(kcase *c) {
    for (int64_t i = 0; i < kn(c, "A"); i++) {
        kt(c, "A")[i] = -1;
    }
    each_tap(c, take_largest);
}

/* Any position of the image: those outside a window get nothing from it. */
void prepare_max_pool_bwd(kcase *c) {
    conv geometry = sizes(c);
    for (int64_t i = 0; i < kn(c, "A"); i++) {
        kt(c, "A")[i] = (double)krandint(c, 0, volume(geometry.image) - 1);
    }
}

static void give_to_largest(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    (void)f;
    for (int64_t a = 0; a < v->c; a++) {
        bool here = kt(c, "A")[y * v->c + a] == (double)(x % volume(v->image));
        kt(c, "dX")[x * v->c + a] += here ? kt(c, "dY")[y * v->c + a] : 0;
    }
}

void ref_max_pool_bwd(kcase *c) {
    clear(c, "dX");
    each_tap(c, give_to_largest);
}

/* Positions of output position y that are averaged. */
static double window(const kcase *c, const conv *v, int64_t y) {
    int64_t n = 0;
    for (int64_t f = 0; f < volume(v->filter); f++) {
        n += !kb(c, "inner") || meet(v, y % volume(v->output), f) >= 0;
    }
    return (double)n;
}

static void add_share(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    (void)f;
    double n = window(c, v, y);
    for (int64_t a = 0; a < v->c; a++) {
        kt(c, "Y")[y * v->c + a] += kt(c, "X")[x * v->c + a] / n;
    }
}

static void give_share(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    (void)f;
    double n = window(c, v, y);
    for (int64_t a = 0; a < v->c; a++) {
        kt(c, "dX")[x * v->c + a] += kt(c, "dY")[y * v->c + a] / n;
    }
}

void ref_avg_pool(kcase *c) {
    clear(c, "Y");
    each_tap(c, add_share);
}

void ref_avg_pool_bwd(kcase *c) {
    clear(c, "dX");
    each_tap(c, give_share);
}
