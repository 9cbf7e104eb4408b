/* Source texts with a line index; spans are byte offsets into them. See diag.h. */
#include "base/diag.h"

#include <string.h>

static void index_lines(tg_arena *arena, tg_source *src) {
    uint32_t n = 1;
    for (uint32_t i = 0; i < src->len; i++) {
        n += src->text[i] == '\n';
    }
    src->lines = TG_NEW_ARRAY(arena, uint32_t, n);
    src->n_lines = n;
    uint32_t line = 1;
    for (uint32_t i = 0; i < src->len; i++) {
        if (src->text[i] == '\n') {
            src->lines[line++] = i + 1;
        }
    }
}

uint32_t tg_sources_add(tg_sources *s, const char *path, const char *text, size_t len) {
    /* Offsets are 32 bits; whoever reads files limits them far below this. */
    uint32_t n = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX - 1;
    tg_source *src = TG_NEW(s->arena, tg_source);
    src->path = tg_arena_strndup(s->arena, path, strlen(path));
    src->text = tg_arena_strndup(s->arena, text, n);
    src->len = n;
    index_lines(s->arena, src);
    tg_vec_push(s->arena, &s->files, src);
    return s->files.len;
}

const tg_source *tg_sources_get(const tg_sources *s, uint32_t file) {
    return s && file > 0 && file <= s->files.len ? s->files.data[file - 1] : NULL;
}

void tg_source_position(const tg_source *src, uint32_t offset, uint32_t *line,
                        uint32_t *column) {
    uint32_t low = 0, high = src->n_lines;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (src->lines[mid] <= offset) {
            low = mid;
        } else {
            high = mid;
        }
    }
    *line = low + 1;
    *column = offset - src->lines[low] + 1;
}

tg_span tg_span_join(tg_span a, tg_span b) {
    if (a.file == 0) {
        return b;
    }
    if (b.file != a.file) {
        return a;
    }
    return (tg_span){a.file, a.begin < b.begin ? a.begin : b.begin,
                     a.end > b.end ? a.end : b.end};
}
