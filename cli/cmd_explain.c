/* tegula explain: the page of a diagnostic. */
#include "cli/cli.h"
#include "cli/pages.h"

#include <ctype.h>
#include <string.h>

static const cli_command self = {"explain", "CODE", "explain a diagnostic, such as E0402",
                                 cmd_explain};

static void list_codes(bool json) {
    for (int i = 0; i < TG_DIAG_COUNT; i++) {
        const char *name = tg_diag_code_name((tg_diag_code)i),
                   *title = tg_diag_title((tg_diag_code)i);
        if (json) {
            printf("%s{\"code\": \"%s\", \"title\": ", i ? ",\n " : "[", name);
            cli_json_text(stdout, title);
            printf("}");
        } else {
            printf("%s  %s\n", name, title);
        }
    }
    printf(json ? "]\n" : "");
}

static void explain(tg_diag_code code, bool json) {
    const char *name = tg_diag_code_name(code), *page = tg_error_page(name);
    if (json) {
        printf("{\"code\": \"%s\", \"title\": ", name);
        cli_json_text(stdout, tg_diag_title(code));
        printf(", \"page\": ");
        cli_json_text(stdout, page ? page : "");
        printf("}\n");
    } else if (page) {
        printf("%s", page);
    } else {
        printf("%s: %s\n", name, tg_diag_title(code));
    }
}

int cmd_explain(int argc, char **argv) {
    bool json = false, list = false;
    cli_list codes = {.n = 0};
    const cli_option options[] = {
        {"--list", CLI_FLAG, NULL, "all codes with their titles", &list},
        {"--json", CLI_FLAG, NULL, "one JSON object, with --list an array of them", &json},
    };
    int code;
    if (!cli_parse(&self, options, sizeof options / sizeof options[0], argc, argv, &codes,
                   &code)) {
        return code;
    }
    if (list) {
        list_codes(json);
        return CLI_OK;
    }
    if (codes.n != 1) {
        return cli_wrong_usage("explain takes one code, such as E0402; --list shows all");
    }
    char name[16] = "";
    for (size_t i = 0; codes.items[0][i] && i + 1 < sizeof name; i++) {
        name[i] = (char)toupper((unsigned char)codes.items[0][i]);
        name[i + 1] = '\0';
    }
    tg_diag_code diag = tg_diag_code_from_name(name);
    if (diag == TG_DIAG_COUNT) {
        return cli_wrong_usage("no diagnostic '%s'; tegula explain --list shows all", codes.items[0]);
    }
    explain(diag, json);
    return CLI_OK;
}
