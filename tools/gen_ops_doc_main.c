/* gen_ops_doc > docs/ops.md */
#include <stdio.h>

#include "tools/gen_ops_doc.h"

int main(void) {
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    if (!arena || TG_PROTECT(&unwind)) {
        return 1;
    }
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    gen_ops_doc(&out);
    fputs(out.data, stdout);
    tg_arena_destroy(arena);
    return 0;
}
