/* Methods and tables of one-dimensional transforms: see fft_axis.h. */
#include "stdlib/fft_axis.h"

#include <string.h>

/* INSTANCE_MAX: what an instance can hold. Above DIRECT_MAX columns of the matrix, which are short enough for the first-level cache,
 * are faster than passes over the whole; above ODD_MAX if the length is no multiple of the lanes, which columns do not mind. LINE: complex numbers
 * in a cache line, c32. */
enum { SHORT_MAX = 1, INSTANCE_MAX = 16384, DIRECT_MAX = 4096, ODD_MAX = 1024, LINE = 8 };

tg_tensor tg_fft_view(const tg_tensor *of, uint32_t rank, const int64_t *shape,
                      const int64_t *stride) {
    tg_tensor t = {.dtype = of->dtype, .rank = rank, .context = of->context, .read_only = of->read_only};
    t.arg.data = of->arg.data;
    int64_t next = 1;
    for (uint32_t d = rank; d-- > 0;) {
        t.arg.shape[d] = shape[d];
        t.arg.stride[d] = stride ? stride[d] : next;
        next *= shape[d];
    }
    return t;
}

bool tg_fft_is_row_major(const tg_tensor *t) {
    int64_t next = 1;
    for (uint32_t d = t->rank; d-- > 0;) {
        if (t->arg.shape[d] != 1 && t->arg.stride[d] != next) {
            return false;
        }
        next *= t->arg.shape[d];
    }
    return true;
}

bool tg_fft_as_rows(const tg_tensor *t, tg_tensor *out) {
    const int64_t *n = t->arg.shape, *s = t->arg.stride;
    if (t->rank <= 3) {
        int64_t shape[3] = {1, 1, 1}, stride[3] = {1, 1, 1};
        for (uint32_t d = 0; d < t->rank; d++) {
            shape[3 - t->rank + d] = n[d];
            stride[3 - t->rank + d] = s[d];
        }
        *out = tg_fft_view(t, 3, shape, stride);
        return true;
    }
    int64_t rows = 1;
    for (uint32_t d = 0; d + 1 < t->rank; d++) {
        rows *= n[d];
    }
    *out = tg_fft_view(t, 3, (int64_t[]){1, rows, n[t->rank - 1]}, NULL);
    return tg_fft_is_row_major(t);
}

bool tg_fft_as_pairs(const tg_tensor *t, tg_dtype dtype, tg_tensor *out) {
    const int64_t *n = t->arg.shape, *s = t->arg.stride;
    bool fit = s[2] == 1 && (n[0] <= 1 || s[0] % 2 == 0) && (n[1] <= 1 || s[1] % 2 == 0);
    *out = tg_fft_view(t, 3, (int64_t[]){n[0], n[1], n[2] / 2},
                       (int64_t[]){s[0] / 2, s[1] / 2, 1});
    out->dtype = dtype;
    return fit;
}

/* ---- memory ------------------------------------------------------------------------------- */

tg_tensor *tg_fft_work_take(tg_fft_work *w, uint32_t slot, tg_context *context, tg_dtype dtype, int64_t n) {
    tg_tensor *t = atomic_exchange(&w->slot[slot], NULL);
    if (t && tg_tensor_n_elements(t) < n) {
        tg_tensor_release(t);
        t = NULL;
    }
    return t ? t : tg_tensor_create(context, dtype, 1, &n);
}

void tg_fft_work_give(tg_fft_work *w, uint32_t slot, tg_tensor *t) {
    tg_tensor_release(atomic_exchange(&w->slot[slot], t));
}

void tg_fft_work_clear(tg_fft_work *w, tg_context *context) {
    tg_fft_ready_free(atomic_exchange(&w->ready, NULL), context);
    for (uint32_t i = 0; i < TG_FFT_WORK_SLOTS; i++) {
        tg_fft_work_give(w, i, NULL);
    }
}

/* ---- parts ------------------------------------------------------------------------------- */

int64_t tg_fft_n_parts(const tg_context *context, int64_t n) {
    enum { EVEN = 8 /* so many for each thread, and one more does not matter */ };
    int64_t threads = tg_context_n_threads(context);
    return n > 0 && (n % threads == 0 || n > EVEN * threads) ? threads : 1;
}

typedef struct row_parts {
    tg_fft_part_fn run;
    const void *of;
    int64_t n, n_parts;
} row_parts;

static int32_t run_some_parts(const void *frame, int64_t begin, int64_t end, tg_worker *worker) {
    (void)worker;
    const row_parts *p = frame;
    tg_status s = TG_OK;
    for (int64_t i = begin; i < end && s == TG_OK; i++) {
        int64_t from = p->n * i / p->n_parts, until = p->n * (i + 1) / p->n_parts;
        s = p->run(p->of, i, from, until - from);
    }
    return (int32_t)s;
}

tg_status tg_fft_run_parts(tg_context *context, int64_t n, tg_fft_part_fn run, const void *of) {
    row_parts p = {run, of, n, tg_fft_n_parts(context, n)};
    if (p.n_parts == 1) {
        return run(of, 0, 0, n);
    }
    tg_status s = (tg_status)tg_pool_run(tg_host_pool(context->host), run_some_parts, &p, p.n_parts, 0);
    return s ? tg_fail(context, s, "a part of a transform failed") : TG_OK; /* the text of the thread that it failed on is not seen here */
}

/* ---- lengths ----------------------------------------------------------------------------- */

static int64_t without(int64_t n, int64_t factor) {
    while (n % factor == 0) {
        n /= factor;
    }
    return n;
}

static const int64_t primes[] = {13, 11, 7, 5, 3, 2};
enum { N_PRIMES = sizeof primes / sizeof *primes };

bool tg_fft_is_smooth(int64_t n, int64_t most) {
    for (size_t i = 0; i < N_PRIMES; i++) {
        n = primes[i] <= most ? without(n, primes[i]) : n;
    }
    return n == 1;
}

/* before16 and next_radix of std/fft.dsl */
static int64_t before16(int64_t n) {
    int64_t q = n / 16;
    return n <= 16 ? n : q % 7 == 1 ? 8 : q < 4 ? q : q % 7 == 2 || q == 256 ? 16 : 4;
}

static int64_t next_radix(int64_t n, int64_t all, int64_t last) {
    for (size_t i = 0; i + 1 < N_PRIMES; i++) {
        if (n % primes[i] == 0) {
            return primes[i];
        }
    }
    if (last == 16 && all % 16 == 0 && all >= 256) {
        return before16(n);
    }
    return n % 16 != 0 ? n : n % 7 == 1 ? 8 : last == 24 && n % 7 == 2 && n > 16 ? 16 : 4;
}

/* Vectors of columns times vectors of rows, of a matrix of p rows. */
static int64_t in_vectors(int64_t n, int64_t p, int64_t line) {
    return (p + line - 1) / line * ((n / p + line - 1) / line);
}

/* P <= Q near the root of n, both short enough, with few empty lanes (44100 as 180 x 245 takes 0.85 of the time of 210 x 210); P 1 if there are none. */
static int64_t balanced_factor(int64_t n, int64_t line) {
    int64_t best = 1;
    for (int64_t p = 2; p * p <= n && p <= INSTANCE_MAX; p++) {
        bool fits = n % p == 0 && n / p <= INSTANCE_MAX, oblong = n / best > 2 * best;
        best = fits && (oblong || in_vectors(n, p, line) <= in_vectors(n, best, line)) ? p : best;
    }
    return best;
}

/* Shortest convenient M >= at_least: 2^k times 1, 3/4, 5/8 or 7/8. */
static int64_t convolution_length(int64_t at_least) {
    int64_t power = 8;
    while (power < at_least) {
        power *= 2;
    }
    static const int64_t eighths[] = {5, 6, 7};
    for (size_t i = 0; i < 3; i++) {
        int64_t m = power / 8 * eighths[i];
        if (m >= at_least && m % 8 == 0) {
            return m;
        }
    }
    return power;
}

static bool is_prime(int64_t n) {
    bool prime = n > 1;
    for (int64_t d = 2; d * d <= n && prime; d++) {
        prime = n % d != 0;
    }
    return prime;
}

static int64_t power_modulo(int64_t base, int64_t exponent, int64_t n) {
    int64_t power = 1;
    for (; exponent; exponent /= 2, base = base * base % n) {
        power = exponent % 2 ? power * base % n : power;
    }
    return power;
}

/* Of the numbers below a prime p whose p - 1 is a product of `primes`. */
static bool generates(int64_t g, int64_t p) {
    bool all = true;
    for (size_t i = 0; i < N_PRIMES; i++) {
        all = all && ((p - 1) % primes[i] != 0 || power_modulo(g, (p - 1) / primes[i], p) != 1);
    }
    return all;
}

static int64_t generator_of(int64_t p) {
    int64_t g = 2;
    while (!generates(g, p)) {
        g++;
    }
    return g;
}

/* ---- tables ------------------------------------------------------------------------------ */

static tg_tensor *make(const tg_fft_axis *a, uint32_t rank, const int64_t *shape) {
    return tg_tensor_create(a->context, a->dtype, rank, shape);
}

static tg_status failed(const tg_fft_axis *a) {
    return tg_fail(a->context, TG_ERROR_OUT_OF_MEMORY,
                   "out of memory for the tables of a transform of length %lld",
                   (long long)a->n);
}

/* exp(sign 2 pi i step p q / n): the rows of real parts, then those of imaginary ones. */
static tg_status make_turn(const tg_fft_axis *a, int64_t rows, int64_t columns, int64_t step, tg_tensor **out) {
    *out = tg_tensor_create(a->context, tg_dtype_real(a->dtype), 2, (int64_t[]){2 * rows, columns});
    if (!*out) {
        return failed(a);
    }
    tg_tensor parts = tg_fft_view(*out, 3, (int64_t[]){2, rows, columns}, NULL);
    return tg_fft_fill_factors(&parts, a->n, step, a->sign) ? TG_OK : failed(a);
}

/* Factors of all passes: pass of radix R over m groups has entries m - 1 … R m - 2. Of radix 2, 4, 8 and 16 they are cosines
 * and tangents: a cosine of 0 is taken for one that is small beside the roundings of the type. */
static tg_status make_factors(const tg_fft_axis *a, int64_t n, int sign, tg_tensor **out) {
    *out = tg_tensor_create(a->context, tg_dtype_real(a->dtype), 1, (int64_t[]){2 * n - 2});
    if (!*out) {
        return failed(a);
    }
    tg_status s = TG_OK;
    for (int64_t left = n; left > 1 && s == TG_OK; left /= next_radix(left, n, a->last)) {
        int64_t m = n / left, radix = next_radix(left, n, a->last);
        tg_tensor part = tg_fft_view(*out, 3, (int64_t[]){2, radix - 1, m}, (int64_t[]){n - 1, m, 1});
        part.arg.data = (char *)part.arg.data + (size_t)(m - 1) * tg_dtype_size(part.dtype);
        double least = radix % 2 ? 0 : a->dtype == TG_C32 ? 0x1p-30 : 0x1p-60;
        s = tg_fft_fill_twiddles(&part, sign, least) ? TG_OK : failed(a);
    }
    return s;
}

static tg_status init_large(tg_fft_axis *a) {
    a->work = tg_alloc(&a->context->allocator, sizeof *a->work, _Alignof(tg_fft_work));
    tg_status s = a->work ? make_factors(a, a->p, a->sign, &a->w[0]) : failed(a);
    s = s ? s : make_factors(a, a->q, a->sign, &a->w[1]);
    s = s ? s : make_turn(a, tg_fft_columns(a), tg_fft_row_blocks(a), a->line, &a->turn[0]);
    return s ? s : make_turn(a, tg_fft_columns(a), a->line, 1, &a->turn[1]);
}

/* filter = transform of length M of the wrapped conjugate chirp / M */
static tg_status init_filter(tg_fft_axis *a) {
    a->chirp = make(a, 1, (int64_t[]){a->n});
    a->filter = make(a, 1, (int64_t[]){a->m});
    tg_tensor *before = make(a, 1, (int64_t[]){a->m});
    tg_status s = a->chirp && a->filter && before ? TG_OK : failed(a);
    s = s ? s : tg_std_launch(a->context, TG_STD_fft_chirp, TG_ARGS(a->chirp, a->sign));
    s = s ? s : tg_std_launch(a->context, TG_STD_fft_filter, TG_ARGS(a->chirp, before));
    if (s == TG_OK) {
        int64_t row[] = {1, 1, a->m};
        tg_tensor from = tg_fft_view(before, 3, row, NULL),
                  to = tg_fft_view(a->filter, 3, row, NULL);
        s = a->forward ? tg_fft_axis_rows(a->forward, &from, &to, false)
                       : tg_std_launch(a->context, TG_STD_fft_rows,
                                       TG_ARGS(&from, a->w[0], &to, -1, false, a->last));
    }
    tg_tensor_release(before);
    return s;
}

static tg_status init_rader(tg_fft_axis *a) {
    int64_t g = generator_of(a->n), inverse = power_modulo(g, a->n - 2, a->n), shape[] = {1, 1, a->m};
    for (int i = 0; i < 2; i++) {
        a->powers[i] = tg_tensor_create(a->context, TG_I32, 1, &a->m);
    }
    a->filter = make(a, 1, &a->m);
    tg_tensor *before = make(a, 3, shape);
    tg_status s = a->powers[0] && a->powers[1] && a->filter && before ? TG_OK : failed(a);
    s = s ? s : make_factors(a, a->m, -1, &a->w[0]);
    s = s ? s : make_factors(a, a->m, 1, &a->w[1]);
    s = s ? s : tg_std_launch(a->context, TG_STD_fft_powers, TG_ARGS(a->powers[0], g, a->n));
    s = s ? s : tg_std_launch(a->context, TG_STD_fft_powers, TG_ARGS(a->powers[1], inverse, a->n));
    tg_tensor flat = before ? tg_fft_view(before, 1, &a->m, NULL) : (tg_tensor){0};
    s = s ? s : tg_std_launch(a->context, TG_STD_fft_rader_filter, TG_ARGS(a->powers[1], &flat, a->sign));
    if (s == TG_OK) {
        tg_tensor to = tg_fft_view(a->filter, 3, shape, NULL);
        s = tg_std_launch(a->context, TG_STD_fft_rows, TG_ARGS(before, a->w[0], &to, -1, false, a->last));
    }
    tg_tensor_release(before);
    return s;
}

static tg_status init_bluestein(tg_fft_axis *a) {
    tg_status s = make_factors(a, a->m, -1, &a->w[0]);
    s = s ? s : make_factors(a, a->m, 1, &a->w[1]);
    return s ? s : init_filter(a);
}

static tg_status init_chirp(tg_fft_axis *a) {
    tg_allocator *allocator = &a->context->allocator;
    a->work = tg_alloc(allocator, sizeof *a->work, _Alignof(tg_fft_work));
    a->forward = tg_alloc(allocator, sizeof *a, _Alignof(tg_fft_axis));
    a->backward = tg_alloc(allocator, sizeof *a, _Alignof(tg_fft_axis));
    tg_status s = a->work && a->forward && a->backward ? TG_OK : failed(a);
    s = s ? s : tg_fft_axis_init(a->forward, a->context, a->dtype, a->m, -1, TG_FFT_AS_ROWS, false);
    s = s ? s : tg_fft_axis_init(a->backward, a->context, a->dtype, a->m, 1, TG_FFT_AS_ROWS, false);
    return s ? s : init_filter(a);
}

static bool is_direct(int64_t n) {
    return n <= (n % LINE ? ODD_MAX : DIRECT_MAX) || (n <= INSTANCE_MAX && balanced_factor(n, LINE) == 1);
}

/* Half the length of Bluestein's or less; but that has full vectors in every pass, which matters unless both are a few vectors. */
static bool suits_rader(int64_t n) {
    int64_t m = n - 1;
    return m <= INSTANCE_MAX && tg_fft_is_smooth(m, TG_FFT_MOST_PRIME) && is_prime(n);
}

static tg_fft_method choose(tg_fft_axis *a) {
    if (a->n == 1) {
        return TG_FFT_IDENTITY;
    }
    if (tg_fft_is_smooth(a->n, TG_FFT_MOST_PRIME)) {
        return is_direct(a->n) ? TG_FFT_DIRECT : TG_FFT_LARGE;
    }
    if (suits_rader(a->n)) {
        a->m = a->n - 1;
        return TG_FFT_RADER;
    }
    a->m = convolution_length(2 * a->n - 1);
    return a->m <= INSTANCE_MAX ? TG_FFT_BLUESTEIN : TG_FFT_CHIRP;
}

/* Columns side by side: a vector of them, and a cache line at least. */
static int64_t columns_of(const tg_fft_axis *a) {
    return a->dtype == TG_C32 && a->context->machine.vector_bits == 512 ? 2 * LINE : LINE;
}

/* Short rows leave lanes empty; some of them together do not. Passes of 16 points and multiples have whole vectors of places beside four rows; longer ones fill
 * vectors by themselves, as 8 x 8 points do those of 8 lanes, and together take more of the caches. Other lengths have a row in each of eight lanes up to
 * some 100 points (docs/performance/x86-fft.md). */
static int64_t rows_beside(const tg_fft_axis *a, tg_fft_use use) {
    enum { ACROSS = 8, LEAST = 4, MOST = 100, MOST_WIDE = 48 };
    int64_t n = a->n, lanes = a->context->machine.vector_bits / 32, beside = tg_fft_rows_beside(a->context);
    bool as_rows = a->method == TG_FFT_DIRECT && (use == TG_FFT_AS_ROWS || use == TG_FFT_AS_GROUPS), narrow = a->dtype == TG_C32;
    if (!as_rows || lanes < (narrow ? 8 : 16)) {
        return 0;
    }
    if (narrow && n % 16 == 0) {
        return (lanes == 8 ? n < 8 * lanes : n <= 8 * lanes) ? beside : 0;
    }
    return n >= (narrow ? LEAST : LEAST + 1) && n <= (narrow ? MOST : MOST_WIDE) ? ACROSS : 0;
}

/* Radices where vectors have 512 bits, see next_radix of std/fft.dsl. A radix of 16 needs 32 registers. As the last one it saves instructions, which is what ports of
 * that length are short of; where each takes two turns, what is kept on the stack costs more. The arms of a pass along columns of 1024 would be a
 * multiple of 4 KiB apart. */
static int64_t last_radix(const tg_fft_axis *a, tg_fft_use use) {
    const tg_machine *m = &a->context->machine;
    bool columns = a->method == TG_FFT_LARGE || use == TG_FFT_AS_COLUMNS, far = a->p % 1024 == 0 || a->q % 1024 == 0;
    if (m->vector_bits < 512 || (columns && (far || !m->halves))) {
        return 8;
    }
    return m->halves ? 24 : a->dtype == TG_C32 ? 16 : 8;
}

tg_status tg_fft_axis_init(tg_fft_axis *a, tg_context *context, tg_dtype dtype, int64_t n,
                           int sign, tg_fft_use use, bool normalise) {
    *a = (tg_fft_axis){.context = context, .dtype = dtype, .sign = sign, .n = n};
    a->method = choose(a);
    a->line = columns_of(a);
    a->beside = rows_beside(a, use);
    a->p = a->method == TG_FFT_LARGE ? balanced_factor(n, a->line) : 1;
    a->q = n / a->p;
    a->last = last_radix(a, use);
    tg_fft_axis_compile_ahead(a, use, normalise);
    switch (a->method) {
    case TG_FFT_DIRECT:
        return make_factors(a, n, sign, &a->w[0]);
    case TG_FFT_LARGE:
        if (a->p == 1) {
            return tg_fail(context, TG_ERROR_UNSUPPORTED,
                           "a transform of length %lld is too long", (long long)n);
        }
        return init_large(a);
    case TG_FFT_RADER:
        return init_rader(a);
    case TG_FFT_BLUESTEIN:
        return init_bluestein(a);
    case TG_FFT_CHIRP:
        return init_chirp(a);
    case TG_FFT_IDENTITY:
    default:
        return TG_OK;
    }
}

void tg_fft_axis_clear(tg_fft_axis *a) {
    tg_tensor_release(a->w[0]);
    tg_tensor_release(a->w[1]);
    tg_tensor_release(a->turn[0]);
    tg_tensor_release(a->turn[1]);
    tg_tensor_release(a->chirp);
    tg_tensor_release(a->filter);
    tg_tensor_release(a->powers[0]);
    tg_tensor_release(a->powers[1]);
    tg_fft_axis *inner[] = {a->forward, a->backward};
    for (size_t i = 0; i < 2; i++) {
        if (inner[i]) {
            tg_fft_axis_clear(inner[i]);
            tg_free(&a->context->allocator, inner[i], sizeof *a);
        }
    }
    if (a->work) {
        tg_fft_work_clear(a->work, a->context);
        tg_free(&a->context->allocator, a->work, sizeof *a->work);
    }
    memset(a, 0, sizeof *a);
}

/* ---- execution --------------------------------------------------------------------------- */

/* What is between the halves of a transform: of each block one line more than it has, so that lines that are written together lie in different
 * sets of the caches. */
static int64_t numbers_between(const tg_fft_axis *a) {
    return tg_fft_row_blocks(a) * a->line * (tg_fft_columns(a) + 1);
}

/* Rows `from` … `from` + `n` - 1 of [A, C, N], of matrix i */
static tg_tensor some_rows(const tg_tensor *t, int64_t i, int64_t from, int64_t n) {
    const int64_t *s = t->arg.stride;
    tg_tensor part = tg_fft_view(t, 3, (int64_t[]){1, n, t->arg.shape[2]}, s);
    part.arg.data = (char *)part.arg.data + (i * s[0] + from * s[1]) * (int64_t)tg_dtype_size(t->dtype);
    return part;
}

/* Both halves of some rows, [1, C, N]. */
static tg_status run_halves(const tg_fft_axis *a, const tg_tensor *x, const tg_tensor *held, tg_tensor *y, bool normalise) {
    const int64_t *sx = x->arg.stride, *sy = y->arg.stride;
    int64_t n = x->arg.shape[1], blocks = tg_fft_row_blocks(a), columns = tg_fft_columns(a), block = numbers_between(a) / blocks;
    tg_tensor from = tg_fft_view(x, 4, (int64_t[]){1, n, a->p, a->q}, (int64_t[]){0, sx[1], a->q * sx[2], sx[2]});
    tg_tensor between = tg_fft_view(held, 5, (int64_t[]){1, n, blocks, columns, a->line},
                                    (int64_t[]){0, blocks * block, block, a->line, 1});
    tg_tensor to = tg_fft_view(y, 4, (int64_t[]){1, n, a->q, a->p}, (int64_t[]){0, sy[1], a->p * sy[2], sy[2]});
    tg_status s = tg_std_launch(a->context, TG_STD_fft_split, TG_ARGS(&from, a->w[0], a->turn[0], a->turn[1], &between, a->sign, a->last));
    return s ? s : tg_std_launch(a->context, TG_STD_fft_join, TG_ARGS(&between, a->w[1], &to, a->sign, normalise, a->last));
}

typedef struct large_rows {
    const tg_fft_axis *a;
    const tg_tensor *x, *held;
    tg_tensor *y;
    int64_t matrix, some; /* rows at a time */
    bool normalise;
} large_rows;

/* Rows `from` … `from` + `n` - 1, with the memory of this part. */
static tg_status run_large_part(const void *of, int64_t part, int64_t from, int64_t n) {
    const large_rows *r = of;
    int64_t size = (int64_t)tg_dtype_size(r->a->dtype);
    tg_tensor held = *r->held;
    held.arg.data = (char *)held.arg.data + part * r->some * numbers_between(r->a) * size;
    tg_status s = TG_OK;
    for (int64_t i = 0; i < n && s == TG_OK; i += r->some) {
        int64_t m = r->some < n - i ? r->some : n - i;
        tg_tensor in = some_rows(r->x, r->matrix, from + i, m), out = some_rows(r->y, r->matrix, from + i, m);
        s = run_halves(r->a, &in, &held, &out, r->normalise);
    }
    return s;
}

/* Few rows at once, so that what is between the halves is still in the caches: one on each thread, or as many as have instances for all threads. */
static tg_status run_large(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y, bool normalise) {
    enum { INSTANCES = 4 /* for each thread */ };
    int64_t matrices = x->arg.shape[0], rows = x->arg.shape[1], blocks = tg_fft_row_blocks(a), n_parts = tg_fft_n_parts(a->context, rows);
    int64_t busy = (INSTANCES * tg_context_n_threads(a->context) + blocks - 1) / blocks;
    int64_t some = n_parts > 1 ? 1 : busy < rows ? busy : rows;
    tg_tensor *held = tg_fft_work_take(a->work, 0, a->context, a->dtype, n_parts * some * numbers_between(a));
    tg_status s = held ? TG_OK : failed(a);
    for (int64_t i = 0; i < matrices && s == TG_OK; i++) {
        s = tg_fft_run_parts(a->context, rows, run_large_part, &(large_rows){a, x, held, y, i, some, normalise});
    }
    tg_fft_work_give(a->work, 0, held);
    return s;
}

static tg_status run_chirp(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y,
                           bool normalise) {
    int64_t shape[] = {x->arg.shape[0], x->arg.shape[1], a->m};
    int64_t n = shape[0] * shape[1] * shape[2];
    tg_tensor *held[] = {tg_fft_work_take(a->work, 0, a->context, a->dtype, n), tg_fft_work_take(a->work, 1, a->context, a->dtype, n)};
    tg_status s = held[0] && held[1] ? TG_OK : failed(a);
    if (s == TG_OK) {
        tg_tensor one = tg_fft_view(held[0], 3, shape, NULL), two = tg_fft_view(held[1], 3, shape, NULL);
        s = tg_std_launch(a->context, TG_STD_fft_chirp_in, TG_ARGS(x, a->chirp, &one));
        s = s ? s : tg_fft_axis_rows(a->forward, &one, &two, false);
        tg_tensor filter = tg_fft_view(a->filter, 3, shape, (int64_t[]){0, 0, 1});
        s = s ? s : tg_std_launch(a->context, TG_STD_fft_multiply, TG_ARGS(&two, &filter, &one));
        s = s ? s : tg_fft_axis_rows(a->backward, &one, &two, false);
        s = s ? s : tg_std_launch(a->context, TG_STD_fft_chirp_out, TG_ARGS(&two, a->chirp, y, normalise));
    }
    tg_fft_work_give(a->work, 0, held[0]);
    tg_fft_work_give(a->work, 1, held[1]);
    return s;
}

/* The first n of the rows of [A, C, N], in groups: [A, n / beside, beside, N]. */
static tg_tensor in_groups(const tg_fft_axis *a, const tg_tensor *t, int64_t n) {
    const int64_t *s = t->arg.stride;
    return tg_fft_view(t, 4, (int64_t[]){t->arg.shape[0], n / a->beside, a->beside, t->arg.shape[2]}, (int64_t[]){s[0], a->beside * s[1], s[1], s[2]});
}

/* The same, but the rows of a group are one: [A, n / beside, beside N]. */
static tg_tensor as_groups(const tg_fft_axis *a, const tg_tensor *t, int64_t n) {
    const int64_t *s = t->arg.stride;
    return tg_fft_view(t, 3, (int64_t[]){t->arg.shape[0], n / a->beside, a->beside * t->arg.shape[2]}, (int64_t[]){s[0], a->beside * s[1], s[2]});
}

static void call_groups(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y, int64_t n, bool normalise, tg_fft_call *out) {
    bool across = tg_fft_is_across(a);
    tg_tensor from = across ? as_groups(a, x, n) : in_groups(a, x, n), to = in_groups(a, y, n);
    *out = tg_fft_call_make(across ? TG_STD_fft_across : TG_STD_fft_beside, 2, TG_ARGS(&from, a->w[0], &to, a->sign, normalise, a->last));
    out->views[0] = from;
    out->views[1] = to;
    out->values[0].u.tensor = &out->views[0];
    out->values[2].u.tensor = &out->views[1];
}

/* Rows of which some are left over when they are in groups. */
static tg_status run_groups(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y, bool normalise) {
    int64_t rows = x->arg.shape[1], left = rows % a->beside;
    tg_fft_call call;
    call_groups(a, x, y, rows - left, normalise, &call);
    tg_status s = tg_fft_call_launch(a->context, &call);
    for (int64_t i = 0; i < x->arg.shape[0] && s == TG_OK; i++) {
        tg_tensor from = some_rows(x, i, rows - left, left), to = some_rows(y, i, rows - left, left);
        s = tg_std_launch(a->context, TG_STD_fft_rows, TG_ARGS(&from, a->w[0], &to, a->sign, normalise, a->last));
    }
    return s;
}

/* With a row in each lane they have to follow each other. Of few rows some that are left over would be a launch of their own, which takes longer than
 * all rows one by one. */
static bool has_groups(const tg_fft_axis *a, const tg_tensor *x) {
    enum { MANY = 4 /* groups */ };
    int64_t rows = x->arg.shape[1];
    bool follow = x->arg.stride[1] == x->arg.shape[2] * x->arg.stride[2];
    bool worth = a->beside && rows >= a->beside && (rows % a->beside == 0 || rows >= MANY * a->beside);
    return worth && (follow || !tg_fft_is_across(a));
}

bool tg_fft_axis_call(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y, bool normalise, tg_fft_call *out) {
    switch (a->method) {
    case TG_FFT_DIRECT:
        if (has_groups(a, x)) {
            call_groups(a, x, y, x->arg.shape[1], normalise, out);
            return x->arg.shape[1] % a->beside == 0;
        }
        *out = tg_fft_call_make(TG_STD_fft_rows, 2, TG_ARGS(x, a->w[0], y, a->sign, normalise, a->last));
        return true;
    case TG_FFT_RADER:
        *out = tg_fft_call_make(TG_STD_fft_rader, 6,
                                TG_ARGS(x, a->powers[0], a->powers[1], a->filter, a->w[0], a->w[1], y, normalise, a->last));
        return true;
    case TG_FFT_BLUESTEIN:
        *out = tg_fft_call_make(TG_STD_fft_bluestein, 5, TG_ARGS(x, a->chirp, a->filter, a->w[0], a->w[1], y, normalise, a->last));
        return true;
    case TG_FFT_LARGE:
    case TG_FFT_CHIRP:
    case TG_FFT_IDENTITY:
    default:
        return false;
    }
}

tg_status tg_fft_axis_rows(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y,
                           bool normalise) {
    tg_fft_call call;
    if (tg_fft_axis_call(a, x, y, normalise, &call)) {
        return tg_fft_call_launch(a->context, &call);
    }
    switch (a->method) {
    case TG_FFT_LARGE:
        return run_large(a, x, y, normalise);
    case TG_FFT_CHIRP:
        return run_chirp(a, x, y, normalise);
    case TG_FFT_DIRECT:
        return run_groups(a, x, y, normalise);
    case TG_FFT_RADER:
    case TG_FFT_BLUESTEIN:
    case TG_FFT_IDENTITY:
    default:
        return tg_tensor_copy(y, x);
    }
}

/* [A, N, C] as [A, C, N] */
static tg_tensor turned(const tg_tensor *t) {
    const int64_t *n = t->arg.shape, *s = t->arg.stride;
    return tg_fft_view(t, 3, (int64_t[]){n[0], n[2], n[1]}, (int64_t[]){s[0], s[2], s[1]});
}

/* Columns `from` … `from` + `n` - 1 */
static tg_tensor some_columns(const tg_tensor *t, int64_t from, int64_t n) {
    tg_tensor part = tg_fft_view(t, 3, (int64_t[]){t->arg.shape[0], t->arg.shape[1], n}, t->arg.stride);
    part.arg.data = (char *)part.arg.data + from * t->arg.stride[2] * (int64_t)tg_dtype_size(t->dtype);
    return part;
}

/* Their groups of `line`: [A, N, C / line, line] */
static tg_tensor in_lines(const tg_tensor *t, int64_t line) {
    const int64_t *n = t->arg.shape, *s = t->arg.stride;
    return tg_fft_view(t, 4, (int64_t[]){n[0], n[1], n[2] / line, line}, (int64_t[]){s[0], s[1], line * s[2], s[2]});
}

/* From x to y, or, with x null, from y to itself. */
static tg_status run_columns(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y, bool normalise) {
    int64_t n = y->arg.shape[2], whole = n / a->line * a->line;
    tg_tensor from = x ? in_lines(x, a->line) : (tg_tensor){0}, to = in_lines(y, a->line);
    tg_status s = TG_OK;
    if (whole) {
        s = x ? tg_std_launch(a->context, TG_STD_fft_lines, TG_ARGS(&from, a->w[0], &to, a->sign, normalise, a->last))
              : tg_std_launch(a->context, TG_STD_fft_lines_in_place, TG_ARGS(a->w[0], &to, a->sign, normalise, a->last));
    }
    if (s || whole == n) {
        return s;
    }
    from = x ? some_columns(x, whole, n - whole) : from;
    to = some_columns(y, whole, n - whole);
    return x ? tg_std_launch(a->context, TG_STD_fft_columns, TG_ARGS(&from, a->w[0], &to, a->sign, normalise, a->last))
             : tg_std_launch(a->context, TG_STD_fft_columns_in_place, TG_ARGS(a->w[0], &to, a->sign, normalise, a->last));
}

tg_status tg_fft_axis_columns_in_place(const tg_fft_axis *a, tg_tensor *y, bool normalise) {
    return run_columns(a, NULL, y, normalise);
}

tg_status tg_fft_axis_columns(const tg_fft_axis *a, const tg_tensor *x, tg_tensor *y,
                              bool normalise) {
    if (a->method == TG_FFT_DIRECT) {
        return run_columns(a, x, y, normalise);
    }
    tg_tensor from = turned(x), to = turned(y);
    return tg_fft_axis_rows(a, &from, &to, normalise);
}
