/* quorated: one replica of a quorate cluster. */
#include "crypto/crypto.h"
#include "replica/daemon.h"
#include "replica/export.h"

int main(int argc, char **argv) {
    struct config config;
    switch (config_parse(&config, argc, argv, stdout, stderr)) {
    case CONFIG_DONE:
        return 0;
    case CONFIG_USAGE:
        return 2;
    case CONFIG_RUN:
        break;
    }
    crypto_start();
    log_setup(config.json, config.level);
    return config.export_path ? export_run(&config) : daemon_run(&config);
}
