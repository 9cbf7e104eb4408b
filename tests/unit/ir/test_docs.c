/* docs/ops.md is what tools/gen_ops_doc writes from ops.def. */
#include "tests/support/ir_text.h"

#include <criterion/criterion.h>

#include "tools/gen_ops_doc.h"

Test(ir_docs, ops_md_is_up_to_date) {
    ir_text t;
    ir_text_init(&t);
    const char *file = ir_text_load(&t, "docs/ops.md");
    tg_strbuf out;
    tg_strbuf_init(&out, t.arena);
    gen_ops_doc(&out);
    cr_assert_not_null(file);
    cr_expect_str_eq(file, out.data, "run tools/gen_ops_doc > docs/ops.md");
    ir_text_fini(&t);
}
