//! What the configuration file says holds where the command line says nothing.

use std::ffi::OsStr;

use jogwheel::proxy::ProxyCodec;

use crate::ladder_play::plays_proxies;
use crate::made;
use crate::program::{self, Running};
use crate::proxies::{make_one, quick_folder};

#[test]
fn the_file_says_what_the_command_line_leaves_open() {
    let folder = quick_folder();
    let source = made::clip("h264-25.mp4").path;
    make_one(&source, folder.path(), ProxyCodec::H264Intra);
    let config = folder.path().join("config.toml");
    let said = "[quality]\nproxies = \"always\" # mine\nmode = \"fats\"\nmin-hight = 3\n";
    std::fs::write(&config, said).unwrap();
    let named: [&dyn AsRef<OsStr>; 2] = [&"--config", &config];
    let (ended, is_proxy) = plays_proxies(&source, folder.path(), &named, true);
    // What is wrong is told, and the rest applies.
    ended
        .expect(130)
        .says("config.toml:3: `mode` must be one of \"auto\"")
        .says("config.toml:4: `min-hight` is not known: did you mean `min-height`?");
    assert!(is_proxy);
    let refused: [&dyn AsRef<OsStr>; 2] = [&"--proxies", &"never"];
    let more = [named, refused].concat();
    let (ended, is_proxy) = plays_proxies(&source, folder.path(), &more, false);
    ended.expect(0);
    assert!(!is_proxy, "the command line wins");
    // Nobody chose anything: it is as it was.
    assert_eq!(std::fs::read_to_string(&config).unwrap(), said);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let folder = quick_folder();
    let source = made::clip("h264-25.mp4").path;
    let none = folder.path().join("none.toml");
    let ended = program::run(&[&"play", &source, &"--headless", &"--config", &none]);
    ended.expect(2).says("no such configuration file");
}

#[test]
fn a_soak_heeds_no_file_but_one_that_is_named() {
    let folder = quick_folder();
    let config = folder.path().join("jogwheel").join("config.toml");
    std::fs::create_dir(config.parent().unwrap()).unwrap();
    std::fs::write(&config, "[quality]\nmin-hight = 3\n").unwrap();
    let source = made::clip("h264-25.mp4").path;
    let soak = |more: &[&dyn AsRef<OsStr>]| {
        let mut args: Vec<&dyn AsRef<OsStr>> =
            vec![&"soak", &source, &"--seconds", &"1", &"--no-audio"];
        args.extend(more);
        let mut command = program::command(&args);
        command.env("XDG_CONFIG_HOME", folder.path());
        Running::start(command).wait().expect(0)
    };
    let ended = soak(&[]);
    assert!(!ended.stderr.contains("min-hight"), "{ended:#?}");
    soak(&[&"--config", &config]).says("min-hight");
}
