/* "did you mean": the nearest candidate by edit distance with transpositions (optimal string
 * alignment). */
#include "base/diag.h"

#include <string.h>

enum { MAX_NAME = 64 };

static unsigned min2(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* Three rows of the dynamic programme suffice; names have fewer than MAX_NAME bytes. */
static unsigned distance(const char *a, size_t n_a, const char *b, size_t n_b) {
    unsigned rows[3][MAX_NAME + 1] = {{0}};
    for (size_t j = 0; j <= n_b; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        unsigned *now = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= n_b; j++) {
            unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);
            best = min2(best, min2(up[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = min2(best, up2[j - 2] + 1);
            }
            now[j] = best;
        }
    }
    return rows[n_a % 3][n_b];
}

const char *tg_suggest(const char *name, const char *const *candidates, size_t n) {
    size_t len = strlen(name);
    if (len >= MAX_NAME) {
        return NULL;
    }
    unsigned best = (unsigned)(len / 3 > 1 ? len / 3 : 1) + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t n_c = candidates[i] ? strlen(candidates[i]) : MAX_NAME;
        if (n_c >= MAX_NAME) {
            continue;
        }
        unsigned d = distance(name, len, candidates[i], n_c);
        if (d < best && d < len) { /* replacing every letter is no suggestion */
            best = d;
            nearest = candidates[i];
        }
    }
    return nearest;
}
