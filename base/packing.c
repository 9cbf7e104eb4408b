/* See packing.h. Vectors are of 16 bytes, which every x86-64 has: what is packed comes from beyond the first-level cache, and
 * there those of 32 gain nothing. Vectors of whole lines do: copied in them a panel of 256-byte lines takes half the time (Zen 4). */
#include "base/packing.h"

#include <stdbool.h>
#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

enum { VECTOR = 16, LINE = 64, SIXTEEN = 16, BROAD = 4 /* panels at a time: longer pieces of each line */, AHEAD = 12, AHEAD_BROAD = 4 /* lines */ };

/* ---- pieces of lines --------------------------------------------------------------------------------------- */

/* A multiple of 4 bytes. Known widths make straight code. */
static inline void copy_piece(char *to, const char *from, int64_t width) {
    enum { HALF = VECTOR / 2, QUARTER = VECTOR / 4 };
    int64_t b = 0;
    for (; b + VECTOR <= width; b += VECTOR) {
        memcpy(to + b, from + b, VECTOR);
    }
    if (b + HALF <= width) {
        memcpy(to + b, from + b, HALF);
        b += HALF;
    }
    if (b < width) {
        memcpy(to + b, from + b, QUARTER);
    }
}

/* `n` pieces side by side of each of `points` lines, to places `apart`. The lines may be far apart, each on a page of its own, which no hardware
 * prefetcher foresees. */
static inline void copy_pieces(char *to, int64_t apart, const char *from, int64_t step, int64_t points, int64_t width, int64_t n) {
    int64_t ahead = step * (n > 1 ? AHEAD_BROAD : AHEAD);
    for (int64_t k = 0; k < points; k++, from += step, to += width) {
        for (int64_t b = 0; b < n * width; b += LINE) {
            __builtin_prefetch((const void *)((uintptr_t)(from + b) + (uintptr_t)ahead));
        }
        for (int64_t i = 0; i < n; i++) {
            copy_piece(to + i * apart, from + i * width, width);
        }
    }
}

/* ---- panels ------------------------------------------------------------------------------------------------ */

#ifdef __SSE2__

/* The same for widths of whole lines, a line at a time. */
__attribute__((target("avx512f"))) static void copy_lines(char *to, int64_t panel, const char *from, int64_t step, int64_t points, int64_t width, int n) {
    int64_t ahead = step * (n > 1 ? AHEAD_BROAD : AHEAD);
    for (int64_t k = 0; k < points; k++, from += step, to += width) {
        const char *at = from;
        for (int i = 0; i < n; i++) {
            char *line = to + i * panel;
            for (int64_t b = 0; b < width; b += LINE, at += LINE) {
                __builtin_prefetch((const void *)((uintptr_t)at + (uintptr_t)ahead));
                _mm512_storeu_si512(line + b, _mm512_loadu_si512(at));
            }
        }
    }
}

static bool has_line_vectors(void) { return __builtin_cpu_supports("avx512f"); }

#else

static void copy_lines(char *to, int64_t panel, const char *from, int64_t step, int64_t points, int64_t width, int n) {
    copy_pieces(to, panel, from, step, points, width, n);
}

static bool has_line_vectors(void) { return false; }

#endif

/* Widths of one line are what most machines use: known, they make straight code. */
static void copy_whole(char *to, int64_t panel, const char *from, int64_t step, int64_t points, int64_t width, int n) {
    if (width % LINE == 0 && has_line_vectors()) {
        copy_lines(to, panel, from, step, points, width, n);
    } else if (width == LINE && n == BROAD) {
        copy_pieces(to, panel, from, step, points, LINE, BROAD);
    } else if (width == LINE) {
        copy_pieces(to, panel, from, step, points, LINE, 1);
    } else {
        copy_pieces(to, panel, from, step, points, width, n);
    }
}

void tg_pack_panels(void *to, int64_t panel, const void *from, int64_t step, int64_t points, int64_t columns, int64_t width) {
    char *out = to;
    const char *in = from;
    while (columns >= width) {
        int n = columns >= BROAD * width ? BROAD : 1;
        copy_whole(out, panel, in, step, points, width, n);
        out += n * panel;
        in += n * width;
        columns -= n * width;
    }
    for (int64_t k = 0; k < points && columns > 0; k++, in += step, out += width) {
        memcpy(out, in, (size_t)columns);
        memset(out + columns, 0, (size_t)(width - columns));
    }
}

/* ---- tiles -------------------------------------------------------------------------------------------------------- */

/* Points [k, points) of one row, `step` apart; `line` bytes from one to the next where they go. */
static void scatter_row(char *to, int64_t line, const char *row, int64_t step, int64_t k, int64_t points, int64_t size) {
    for (; k < points; k++) {
        memcpy(to + k * line, row + k * step, size == 8 ? 8 : 4);
    }
}

#ifdef __SSE2__

/* `ahead` is the way to the row that follows in the next tile. */
static __m128 load(const char *row, int64_t at, int64_t ahead) {
    __builtin_prefetch((const void *)((uintptr_t)(row + at) + (uintptr_t)ahead));
    return _mm_loadu_ps((const float *)(const void *)(row + at));
}

/* Four rows of 4-byte elements, transposed: pairs first, then pairs of pairs. Returns the points done. */
static int64_t four_rows(char *to, int64_t line, const char *const *row, int64_t points, int64_t ahead) {
    int64_t k = 0;
    for (; k + 4 <= points; k += 4, to += 4 * line) {
        __m128 a = load(row[0], 4 * k, ahead), b = load(row[1], 4 * k, ahead), c = load(row[2], 4 * k, ahead), d = load(row[3], 4 * k, ahead);
        __m128 ab = _mm_unpacklo_ps(a, b), cd = _mm_unpacklo_ps(c, d), AB = _mm_unpackhi_ps(a, b), CD = _mm_unpackhi_ps(c, d);
        _mm_storeu_ps((float *)(void *)to, _mm_movelh_ps(ab, cd));
        _mm_storeu_ps((float *)(void *)(to + line), _mm_movehl_ps(cd, ab));
        _mm_storeu_ps((float *)(void *)(to + 2 * line), _mm_movelh_ps(AB, CD));
        _mm_storeu_ps((float *)(void *)(to + 3 * line), _mm_movehl_ps(CD, AB));
    }
    return k;
}

/* Two rows of 4-byte elements. */
static int64_t two_rows(char *to, int64_t line, const char *const *row, int64_t points, int64_t ahead) {
    int64_t k = 0;
    for (; k + 4 <= points; k += 4, to += 4 * line) {
        __m128 a = load(row[0], 4 * k, ahead), b = load(row[1], 4 * k, ahead);
        __m128 ab = _mm_unpacklo_ps(a, b), AB = _mm_unpackhi_ps(a, b);
        _mm_storel_pi((__m64 *)(void *)to, ab);
        _mm_storeh_pi((__m64 *)(void *)(to + line), ab);
        _mm_storel_pi((__m64 *)(void *)(to + 2 * line), AB);
        _mm_storeh_pi((__m64 *)(void *)(to + 3 * line), AB);
    }
    return k;
}

/* Two rows of 8-byte elements. */
static int64_t two_long_rows(char *to, int64_t line, const char *const *row, int64_t points, int64_t ahead) {
    int64_t k = 0;
    for (; k + 2 <= points; k += 2, to += 2 * line) {
        __m128d a = _mm_castps_pd(load(row[0], 8 * k, ahead)), b = _mm_castps_pd(load(row[1], 8 * k, ahead));
        _mm_storeu_pd((double *)(void *)to, _mm_unpacklo_pd(a, b));
        _mm_storeu_pd((double *)(void *)(to + line), _mm_unpackhi_pd(a, b));
    }
    return k;
}

static int64_t interleave(char *to, int64_t line, const char *const *row, int n, int64_t points, int64_t size, int64_t ahead) {
    return size == 8 ? two_long_rows(to, line, row, points, ahead)
         : n == 4    ? four_rows(to, line, row, points, ahead)
                     : two_rows(to, line, row, points, ahead);
}

/* Four points of four rows, `step` apart, each row's in 128 bits of their own. */
__attribute__((target("avx512f"))) static __m512 load_lanes(const char *row, int64_t step) {
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps((const float *)(const void *)row));
    v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(const void *)(row + step)), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(const void *)(row + 2 * step)), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(const void *)(row + 3 * step)), 3);
}

/* Sixteen rows of 4-byte elements: as four_rows, in every 128 bits of vectors, of rows 0 4 8 12, 1 5 9 13 … Stores whole lines. */
__attribute__((target("avx512f"))) static int64_t sixteen_rows(char *to, int64_t line, const char *row, int64_t step, int64_t points) {
    int64_t k = 0;
    for (; k + 4 <= points; k += 4, row += 16, to += 4 * line) {
        for (int i = 0; i < 4; i++) { /* of the sixteen that follow four in turn: each line once */
            __builtin_prefetch((const void *)((uintptr_t)row + (uintptr_t)((SIXTEEN + k % SIXTEEN + i) * step)));
        }
        __m512 a = load_lanes(row, 4 * step), b = load_lanes(row + step, 4 * step);
        __m512 c = load_lanes(row + 2 * step, 4 * step), d = load_lanes(row + 3 * step, 4 * step);
        __m512 ab = _mm512_unpacklo_ps(a, b), cd = _mm512_unpacklo_ps(c, d), AB = _mm512_unpackhi_ps(a, b), CD = _mm512_unpackhi_ps(c, d);
        __m512 point[] = {_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee), _mm512_shuffle_ps(AB, CD, 0x44),
                          _mm512_shuffle_ps(AB, CD, 0xee)};
        for (int i = 0; i < 4; i++) {
            _mm512_storeu_ps((float *)(void *)(to + i * line), point[i]);
        }
    }
    return k;
}

#else

static int64_t interleave(char *to, int64_t line, const char *const *row, int n, int64_t points, int64_t size, int64_t ahead) {
    (void)to, (void)line, (void)row, (void)n, (void)points, (void)size, (void)ahead;
    return 0;
}

static int64_t sixteen_rows(char *to, int64_t line, const char *row, int64_t step, int64_t points) {
    (void)to, (void)line, (void)row, (void)step, (void)points;
    return 0;
}

#endif

/* Rows of high tiles, sixteen at a time while all of them exist, or none. Gives back how many are done. */
static int64_t pack_sixteens(char *to, const char *from, int64_t row_step, int64_t points, int64_t rows, int64_t height) {
    int64_t r = 0, whole = rows - rows % SIXTEEN;
    for (; r + SIXTEEN <= height && (r < whole || r >= rows); r += SIXTEEN) {
        const char *row = from + (r < rows ? r : rows - 1) * row_step;
        int64_t step = r < rows ? row_step : 0, done = sixteen_rows(to + r * 4, height * 4, row, step, points);
        for (int64_t i = 0; i < SIXTEEN; i++) {
            scatter_row(to + (r + i) * 4, height * 4, row + i * step, 4, done, points, 4);
        }
    }
    return r;
}

/* A power of two of rows whose points follow one another, as many as a vector takes, and fewer at the end; other rows one by one. */
static void pack_tile(char *to, const char *from, int64_t row_step, int64_t point_step, int64_t points, int64_t rows, int64_t height, int64_t size) {
    int64_t line = height * size;
    bool runs = point_step == size;
    for (int64_t r = runs && size == 4 && has_line_vectors() ? pack_sixteens(to, from, row_step, points, rows, height) : 0; r < height;) {
        int n = !runs ? 1 : size == 4 && height - r >= 4 ? 4 : height - r >= 2 ? 2 : 1;
        const char *row[4];
        for (int i = 0; i < n; i++) {
            row[i] = from + (r + i < rows ? r + i : rows - 1) * row_step;
        }
        int64_t done = n > 1 ? interleave(to + r * size, line, row, n, points, size, height * row_step) : 0;
        for (int i = 0; i < n; i++, r++) {
            scatter_row(to + r * size, line, row[i], point_step, done, points, size);
        }
    }
}

/* `tiles` whole ones of rows side by side: at each point they are pieces of one line, of which a few cache lines are read at a time. */
static void copy_tiles(char *to, const char *from, int64_t step, int64_t points, int64_t width, int64_t tiles) {
    enum { LINES = 3, SIX = 24, SIX_LONG = 48 /* bytes of the usual heights */ };
    int64_t most = width < LINES * LINE ? LINES * LINE / width : 1, apart = points * width;
    for (int64_t n; tiles > 0; tiles -= n, from += n * width, to += n * apart) {
        n = tiles < most ? tiles : most;
        if (width == SIX) {
            copy_pieces(to, apart, from, step, points, SIX, n);
        } else if (width == SIX_LONG) {
            copy_pieces(to, apart, from, step, points, SIX_LONG, n);
        } else {
            copy_pieces(to, apart, from, step, points, width, n);
        }
    }
}

void tg_pack_tiles(void *to, const void *from, int64_t row_step, int64_t point_step, int64_t points, int64_t rows, int64_t until, int64_t height,
                   int64_t size) {
    int64_t whole = 0, tiles = (until + height - 1) / height;
    if (row_step == size && point_step != size) {
        whole = tiles < rows / height ? tiles : rows / height;
        copy_tiles(to, from, point_step, points, height * size, whole);
    }
    for (int64_t t = whole * height; t < until; t += height) {
        pack_tile((char *)to + t * points * size, (const char *)from + t * row_step, row_step, point_step, points, rows - t, height, size);
    }
}
