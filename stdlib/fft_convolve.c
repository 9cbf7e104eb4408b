/* Convolutions and correlations of rows by transforms of a length M that is fast: M >= n + k - 1, or n itself for cyclic ones.
 *
 *   response   of the filter: filled with zeros, transformed, conjugate for correlations (fft_respond)
 *   rows       one launch if a transform fits an instance: transform, product and transform back (fft_convolve); else one each
 *
 * Real rows are transformed as M / 2 pairs. Transforms of pairs are not those of the rows, but what becomes of them is as simple: see
 * fft_respond_real. What the cyclic convolution of length M computes at t is the sum of h[j] x'[t - j], and for a correlation of conj(h[j])
 * x'[t + j], where x' is x with zeros and parts of itself on both sides (fft_fill), so that the first outputs are always those wanted:
 *
 *   linear convolution      x . . .                      linear correlation    . . x . . .       (k - 1 zeros)
 *   cyclic convolution      x . . . end of x             cyclic correlation    x begin of x . . .  (k - 1 elements) */
#include "stdlib/fft_axis.h"

enum { ALIGNED = 8, SHORT = 64, MAX_LENGTH = 1 << 27 };
/* Slots of the plan's work. */
enum { RESPONSE, ROWS, RESULT };

struct tg_fft_convolution {
    tg_context *context;
    tg_fft_convolution_options options;
    int64_t n, k, out;       /* of x, h and y */
    int64_t m;               /* length of the transforms: pairs, if real */
    tg_dtype dtype;          /* complex */
    bool real, fused;
    int64_t from, before, after; /* of fft_fill; all 0: rows may be read where they are */
    tg_fft_axis forward, backward;
    tg_tensor *turn; /* real: exp(-pi i h / m) */
    tg_fft_work *work; /* what changes during execution stays outside */
};

/* ---- creation ---------------------------------------------------------------------------- */

/* The next length whose vectors are full. */
static int64_t fast_length(int64_t at_least) {
    int64_t step = at_least > SHORT ? ALIGNED : 1, m = (at_least + step - 1) / step * step;
    while (!tg_fft_is_smooth(m, 7)) {
        m += step;
    }
    return m;
}

static void choose_length(tg_fft_convolution *c) {
    int64_t per = c->real ? 2 : 1, n = c->n, more = c->k - 1;
    bool cyclic = c->options.cyclic != 0, correlates = c->options.correlate != 0;
    c->out = cyclic ? n : n + more;
    if (cyclic && n % per == 0 && tg_fft_is_smooth(n / per, TG_FFT_MOST_PRIME)) {
        c->m = n / per;
        return;
    }
    c->m = fast_length((n + more + per - 1) / per);
    c->from = !cyclic && correlates ? more : 0;
    c->before = cyclic && !correlates ? more : 0;
    c->after = cyclic && correlates ? more : 0;
}

static tg_status init(tg_fft_convolution *c) {
    tg_context *context = c->context;
    tg_status s = tg_fft_axis_init(&c->forward, context, c->dtype, c->m, -1, TG_FFT_AS_ROWS, false);
    c->fused = c->forward.method == TG_FFT_DIRECT;
    s = s ? s : tg_fft_axis_init(&c->backward, context, c->dtype, c->m, 1, c->fused ? TG_FFT_AS_PART : TG_FFT_AS_ROWS, false);
    if (s || !c->real) {
        return s;
    }
    c->turn = tg_tensor_create(context, tg_dtype_real(c->dtype), 3, (int64_t[]){2, 1, c->m});
    bool filled = c->turn && tg_fft_fill_twiddles(c->turn, -1, 0);
    return filled ? TG_OK : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory for the tables of a convolution");
}

static tg_status check_options(tg_context *context, int64_t n, int64_t k, const tg_fft_convolution_options *o) {
    if (n < 1 || k < 1 || n > MAX_LENGTH || k > MAX_LENGTH || (o->cyclic && k > n)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                       "a convolution of rows of %lld by a filter of %lld: both are 1 ... 2^27, and the filter of a cyclic one not "
                       "longer than the rows",
                       (long long)n, (long long)k);
    }
    if (o->dtype != TG_F32 && o->dtype != TG_F64 && o->dtype != TG_C32 && o->dtype != TG_C64) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "convolutions are of f32, f64, c32 or c64");
    }
    return TG_OK;
}

tg_status tg_fft_convolution_create(tg_context *context, int64_t n, int64_t k, const tg_fft_convolution_options *options,
                                    tg_fft_convolution **out) {
    if (!context || !out || !options) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "context, options or out is null");
    }
    *out = NULL;
    tg_fft_convolution_options o;
    if (!tg_std_options(options, &o, sizeof o)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "tg_fft_convolution_create: struct_size is wrong");
    }
    tg_status s = check_options(context, n, k, &o);
    if (s) {
        return s;
    }
    tg_fft_convolution *c = tg_alloc(&context->allocator, sizeof *c, _Alignof(tg_fft_convolution));
    if (!c) {
        return tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    c->context = context;
    c->options = o;
    c->n = n;
    c->k = k;
    c->real = o.dtype == TG_F32 || o.dtype == TG_F64;
    c->dtype = o.dtype == TG_F32 || o.dtype == TG_C32 ? TG_C32 : TG_C64;
    choose_length(c);
    c->work = tg_alloc(&context->allocator, sizeof *c->work, _Alignof(tg_fft_work));
    s = c->work ? init(c) : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    if (s) {
        tg_fft_convolution_destroy(c);
        return s;
    }
    *out = c;
    return TG_OK;
}

void tg_fft_convolution_destroy(tg_fft_convolution *c) {
    if (!c) {
        return;
    }
    tg_fft_axis_clear(&c->forward);
    tg_fft_axis_clear(&c->backward);
    tg_tensor_release(c->turn);
    if (c->work) {
        tg_fft_work_clear(c->work, c->context);
        tg_free(&c->context->allocator, c->work, sizeof *c->work);
    }
    tg_free(&c->context->allocator, c, sizeof *c);
}

/* ---- views ------------------------------------------------------------------------------- */

/* Rows of `m` complex numbers, as many as `of` has. */
static tg_tensor complex_rows(tg_tensor *memory, const tg_tensor *of, int64_t m) {
    return tg_fft_view(memory, 3, (int64_t[]){of->arg.shape[0], of->arg.shape[1], m}, NULL);
}

/* The same memory as rows of what is convolved. */
static tg_tensor own_rows(const tg_fft_convolution *c, tg_tensor *memory, const tg_tensor *of) {
    tg_tensor t = complex_rows(memory, of, c->real ? 2 * c->m : c->m);
    t.dtype = c->options.dtype;
    return t;
}

/* Rows of complex numbers where they are; false: reals that are not pairs there. */
static bool as_complex(const tg_fft_convolution *c, const tg_tensor *t, tg_tensor *out) {
    if (!c->real) {
        *out = *t;
        return true;
    }
    return t->arg.shape[2] % 2 == 0 && tg_fft_as_pairs(t, c->dtype, out);
}

/* [A, C, M] or, if real, [A, C, 2, M]; of a filter for all rows all strides between rows are 0. */
static tg_tensor response_view(const tg_fft_convolution *c, const tg_tensor *g, const tg_tensor *x, bool shared) {
    int64_t row = c->real ? 2 * c->m : c->m, a = x->arg.shape[0], n = x->arg.shape[1];
    int64_t outer = shared ? 0 : n * row, inner = shared ? 0 : row;
    return c->real ? tg_fft_view(g, 4, (int64_t[]){a, n, 2, c->m}, (int64_t[]){outer, inner, c->m, 1})
                   : tg_fft_view(g, 3, (int64_t[]){a, n, c->m}, (int64_t[]){outer, inner, 1});
}

/* ---- execution --------------------------------------------------------------------------- */

static tg_status respond(const tg_fft_convolution *c, const tg_tensor *h, tg_tensor *g, tg_tensor *rows) {
    bool conjugate = c->options.correlate != 0;
    tg_tensor filled = own_rows(c, g, h), z = complex_rows(g, h, c->m), spectrum = complex_rows(rows, h, c->m);
    tg_status s = tg_std_launch(c->context, TG_STD_fft_fill, TG_ARGS(h, &filled, 0, 0, 0));
    s = s ? s : tg_fft_axis_rows(&c->forward, &z, &spectrum, false);
    tg_tensor response = response_view(c, g, h, false);
    if (s || !c->real) {
        return s ? s : tg_std_launch(c->context, TG_STD_fft_respond, TG_ARGS(&spectrum, &response, conjugate));
    }
    tg_tensor turn = tg_fft_view(c->turn, 1, (int64_t[]){2 * c->m}, NULL);
    return tg_std_launch(c->context, TG_STD_fft_respond_real, TG_ARGS(&spectrum, &turn, &response, conjugate));
}

/* `x` are complex rows, of which there may be fewer than m; the first `y` of the result. */
static tg_status run_fused(const tg_fft_convolution *c, const tg_tensor *x, const tg_tensor *g, tg_tensor *y) {
    return tg_std_launch(c->context, c->real ? TG_STD_fft_convolve_real : TG_STD_fft_convolve,
                         TG_ARGS(x, g, c->forward.w[0], c->backward.w[0], y, c->forward.last));
}

/* `x` and `y` are filled rows; what x held is lost. */
static tg_status run_steps(const tg_fft_convolution *c, tg_tensor *x, const tg_tensor *g, tg_tensor *y) {
    tg_status s = tg_fft_axis_rows(&c->forward, x, y, false);
    s = s ? s : tg_std_launch(c->context, c->real ? TG_STD_fft_blend : TG_STD_fft_multiply, TG_ARGS(y, g, x));
    return s ? s : tg_fft_axis_rows(&c->backward, x, y, false);
}

/* The first outputs of filled rows. */
static tg_status copy_out(const tg_fft_convolution *c, tg_tensor *rows, tg_tensor *y) {
    tg_tensor from = own_rows(c, rows, y);
    from.arg.shape[2] = y->arg.shape[2];
    return tg_tensor_copy(y, &from);
}

static tg_status run_rows(const tg_fft_convolution *c, const tg_tensor *x, const tg_tensor *g, tg_tensor *y, tg_tensor *rows,
                          tg_tensor *result) {
    tg_tensor from, to, filled = own_rows(c, rows, x);
    bool fits = c->fused && !c->from && !c->before && !c->after && as_complex(c, x, &from);
    bool direct = c->fused && as_complex(c, y, &to);
    tg_status s = TG_OK;
    if (!fits) {
        from = complex_rows(rows, x, c->m);
        s = tg_std_launch(c->context, TG_STD_fft_fill, TG_ARGS(x, &filled, c->from, c->before, c->after));
    }
    if (!direct) {
        to = complex_rows(result, x, c->m);
    }
    s = s ? s : c->fused ? run_fused(c, &from, g, &to) : run_steps(c, &from, g, &to);
    return s || direct ? s : copy_out(c, result, y);
}

static tg_status run(const tg_fft_convolution *c, const tg_tensor *x, const tg_tensor *h, tg_tensor *y) {
    int64_t rows = x->arg.shape[0] * x->arg.shape[1], filters = h->arg.shape[0] * h->arg.shape[1];
    int64_t sizes[] = {filters * c->m * (c->real ? 2 : 1), rows * c->m, rows * c->m};
    tg_tensor *held[3];
    tg_status s = TG_OK;
    for (uint32_t i = RESPONSE; i <= RESULT; i++) {
        held[i] = tg_fft_work_take(c->work, i, c->context, c->dtype, sizes[i]);
        s = held[i] ? s : tg_fail(c->context, TG_ERROR_OUT_OF_MEMORY, "out of memory for a convolution");
    }
    if (s == TG_OK) {
        s = respond(c, h, held[RESPONSE], held[ROWS]);
        tg_tensor g = response_view(c, held[RESPONSE], x, filters == 1);
        s = s ? s : run_rows(c, x, &g, y, held[ROWS], held[RESULT]);
    }
    for (uint32_t i = RESPONSE; i <= RESULT; i++) {
        tg_fft_work_give(c->work, i, held[i]);
    }
    return s;
}

/* ---- checks ------------------------------------------------------------------------------ */

static tg_status check_tensor(const tg_fft_convolution *c, const tg_tensor *t, int64_t length, const char *name) {
    if (!t || t->dtype != c->options.dtype || t->rank < 1) {
        return tg_fail(c->context, TG_ERROR_INVALID_ARGUMENT, "%s of the convolution: %s of one or more dimensions is wanted", name,
                       tg_dtype_name(c->options.dtype));
    }
    if (t->arg.shape[t->rank - 1] != length) {
        return tg_fail(c->context, TG_ERROR_LAUNCH, "L0901: rows of %s have %lld elements, the convolution takes %lld", name,
                       (long long)t->arg.shape[t->rank - 1], (long long)length);
    }
    return TG_OK;
}

static bool same_leading(const tg_tensor *a, const tg_tensor *b) {
    bool same = a->rank == b->rank;
    for (uint32_t d = 0; same && d + 1 < a->rank; d++) {
        same = a->arg.shape[d] == b->arg.shape[d];
    }
    return same;
}

tg_status tg_fft_convolve(const tg_fft_convolution *c, const tg_tensor *x, const tg_tensor *h, tg_tensor *y) {
    if (!c) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "convolution is null");
    }
    tg_status s = check_tensor(c, x, c->n, "the input");
    s = s ? s : check_tensor(c, h, c->k, "the filter");
    s = s ? s : check_tensor(c, y, c->out, "the output");
    if (s) {
        return s;
    }
    if (!same_leading(x, y) || (h->rank > 1 && !same_leading(x, h))) {
        return tg_fail(c->context, TG_ERROR_LAUNCH,
                       "L0901: input, output and filter of the convolution have different leading dimensions");
    }
    if (tg_tensor_n_elements(y) == 0) {
        return TG_OK;
    }
    tg_tensor from, filter, to;
    if (!tg_fft_as_rows(x, &from) || !tg_fft_as_rows(h, &filter) || !tg_fft_as_rows(y, &to)) {
        return tg_fail(c->context, TG_ERROR_UNSUPPORTED, "more than two leading dimensions must be row-major");
    }
    return run(c, &from, &filter, &to);
}
