//! Kernel packages from Debian, by an apt of our own beside the machine's.
//!
//! It has its own list of sources, its own indexes and its own cache, all below `target/vm`, so the
//! machine's stay as they are and no root is needed. The mirror is the one the machine's apt is
//! configured with, only the suite is another; signatures are checked as always.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{self, Failure};

/// Where Debian's package `debian-archive-keyring` puts its keys; without it apt's own are used.
const KEYRINGS: &[&str] = &[
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
];
/// The package that depends on the newest kernel of a suite.
const NEWEST: &str = "linux-image-cloud-amd64";

/// The two archives of Debian.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mirrors {
    main: Option<String>,
    security: Option<String>,
}

/// Downloads the newest kernel package named `linux-image-RELEASE.…` of the first of `suites` that
/// has one into `folder`, with those it is split into (from 7.2 on its modules and the image itself).
pub(crate) fn download(release: &str, suites: &[&str], folder: &Path) -> Result<(), Failure> {
    let mirrors = mirrors()?;
    let mut tried = Vec::new();
    for suite in suites {
        let archive = if suite.ends_with("-security") {
            &mirrors.security
        } else {
            &mirrors.main
        };
        let Some(archive) = archive else { continue };
        let apt = PrivateApt::new(&folder.join("apt").join(suite), archive, suite)?;
        match apt.newest(release) {
            Ok(package) => return apt.download(&apt.with_parts(&package)?, folder),
            Err(failure) => tried.push(format!("{suite}: {}", failure.text)),
        }
    }
    Err(Failure::lacking(format!(
        "no kernel {release} can be had from the Debian mirror of this machine's apt\n    {}\n\
         put its package linux-image-{release}.…-cloud-amd64….deb into {} by hand, and it is used",
        tried.join("\n    "),
        folder.display()
    )))
}

/// Asks the machine's apt for its Debian mirrors.
fn mirrors() -> Result<Mirrors, Failure> {
    let mut targets = Command::new("apt-get");
    targets.args([
        "indextargets",
        "--format",
        "$(ORIGIN) $(REPO_URI) $(RELEASE)",
    ]);
    targets.arg("Identifier: Packages");
    let text = step::output(&mut targets)?;
    let mirrors = parse_mirrors(&String::from_utf8_lossy(&text));
    if mirrors.main.is_none() && mirrors.security.is_none() {
        return Err(Failure::lacking(
            "the kernels of the matrix are Debian's, and this machine's apt has no Debian mirror",
        ));
    }
    Ok(mirrors)
}

/// Finds Debian's archives among lines of origin, archive and suite. The origin is known only after
/// an update of apt; before that the path has to tell.
fn parse_mirrors(text: &str) -> Mirrors {
    let mut mirrors = Mirrors {
        main: None,
        security: None,
    };
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(origin), Some(archive), Some(suite)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let path = archive.trim_end_matches('/');
        if origin == "Debian" || path.ends_with("/debian") || path.ends_with("/debian-security") {
            let place = if suite.ends_with("-security") {
                &mut mirrors.security
            } else {
                &mut mirrors.main
            };
            place.get_or_insert_with(|| archive.to_owned());
        }
    }
    mirrors
}

/// An apt with one source.
struct PrivateApt {
    options: Vec<OsString>,
}

impl PrivateApt {
    fn new(folder: &Path, archive: &str, suite: &str) -> Result<Self, Failure> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        for part in ["sources", "lists/partial", "cache/archives/partial"] {
            let path = folder.join(part);
            std::fs::create_dir_all(&path).map_err(|error| {
                Failure::check(format!("cannot make {}: {error}", path.display()))
            })?;
        }
        let sources = folder.join("sources/debian.sources");
        std::fs::write(&sources, source(archive, suite)).map_err(|error| {
            Failure::check(format!("cannot write {}: {error}", sources.display()))
        })?;
        Ok(Self {
            options: options(&folder),
        })
    }

    fn run(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).args(&self.options);
        command
    }

    /// Updates the index and gives the name of the newest kernel package, if it is of `release`.
    fn newest(&self, release: &str) -> Result<String, Failure> {
        quiet(self.run("apt-get", &["update", "-qq", "--error-on=any"]))?;
        let show = quiet(self.run("apt-cache", &["show", NEWEST]))?;
        newest_kernel(&show, release)
            .map(str::to_owned)
            .ok_or_else(|| Failure::lacking(format!("its {NEWEST} is no {release}")))
    }

    /// Gives a kernel package with those it is split into.
    fn with_parts(&self, package: &str) -> Result<Vec<String>, Failure> {
        let show = quiet(self.run("apt-cache", &["show", package]))?;
        let parts = parts(&show, package).map(str::to_owned);
        Ok([package.to_owned()].into_iter().chain(parts).collect())
    }

    fn download(&self, packages: &[String], folder: &Path) -> Result<(), Failure> {
        let mut download = self.run("apt-get", &["download", "-q"]);
        download.args(packages);
        download.stdout(std::io::stderr());
        step::step(download.current_dir(folder))
    }
}

/// Runs a command; what it complains of is why something is lacking.
fn quiet(mut command: Command) -> Result<String, Failure> {
    let text = step::typed(&command);
    let output = command
        .output()
        .map_err(|error| Failure::lacking(format!("cannot start `{text}`: {error}")))?;
    let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Failure::lacking(error))
    }
}

/// Writes one source in apt's own format.
fn source(archive: &str, suite: &str) -> String {
    let keys = KEYRINGS.iter().find(|path| Path::new(path).exists());
    let signed = keys.map_or(String::new(), |path| format!("Signed-By: {path}\n"));
    format!(
        "Types: deb\nURIs: {archive}\nSuites: {suite}\nComponents: main\nArchitectures: amd64\n{signed}"
    )
}

fn options(folder: &Path) -> Vec<OsString> {
    let path = |option: &str, part: &str| {
        let mut text = OsString::from(format!("-o{option}="));
        text.push(PathBuf::from(folder).join(part));
        text
    };
    let mut options = vec![
        path("Dir::Etc::sourceparts", "sources"),
        path("Dir::State::lists", "lists"),
        path("Dir::Cache", "cache"),
    ];
    options.extend(
        [
            "-oDir::Etc::sourcelist=/dev/null",
            "-oAPT::Architecture=amd64",
            "-oAcquire::Languages=none",
            // The folders above may be closed to apt's own user.
            "-oAPT::Sandbox::User=",
            // An old suite is not signed again; its signature still has to be right.
            "-oAcquire::Check-Valid-Until=false",
        ]
        .map(OsString::from),
    );
    options
}

/// Finds the kernel package of this release among the dependencies of a package.
fn newest_kernel<'a>(show: &'a str, release: &str) -> Option<&'a str> {
    let start = format!("linux-image-{release}.");
    needed(show).find(|word| word.starts_with(&start))
}

/// Finds the packages among the dependencies of a kernel package that hold what once was in it: they are called as it is.
fn parts<'a>(show: &'a str, package: &str) -> impl Iterator<Item = &'a str> {
    let version = package.strip_prefix("linux-image").unwrap_or(package);
    needed(show).filter(move |word| word.ends_with(version))
}

/// Gives the words of a package's dependencies.
fn needed(show: &str) -> impl Iterator<Item = &str> {
    let depends = show
        .lines()
        .filter_map(|line| line.strip_prefix("Depends:"));
    depends.flat_map(|list| list.split([',', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archives_are_found_wherever_the_mirror_is() {
        let text = "Ubuntu http://a.example/ubuntu/ noble\n\
                    $(ORIGIN) http://a.example/x/debian/ bookworm\n\
                    Debian http://b.example/odd/ bookworm-updates\n\
                    Debian http://a.example/security/ bookworm-security\n";
        let mirrors = parse_mirrors(text);
        assert_eq!(mirrors.main.as_deref(), Some("http://a.example/x/debian/"));
        let security = mirrors.security.as_deref();
        assert_eq!(security, Some("http://a.example/security/"));
        assert_eq!(parse_mirrors("Ubuntu http://a/ubuntu noble\n").main, None);
    }

    #[test]
    fn a_kernel_is_taken_only_if_it_is_of_the_release_asked_for() {
        let show = "Package: linux-image-cloud-amd64\nVersion: 6.12.95-1\n\
                    Depends: linux-image-6.12.95+deb12-cloud-amd64 (= 6.12.95-1)\n";
        let name = "linux-image-6.12.95+deb12-cloud-amd64";
        assert_eq!(newest_kernel(show, "6.12"), Some(name));
        assert_eq!(newest_kernel(show, "6.1"), None);
    }

    #[test]
    fn a_kernel_that_is_split_is_taken_with_its_modules_and_its_image() {
        let show = "Depends: dracut | linux-initramfs-tool, linux-base-7.2.13-amd64 (= 7.2.13-1), \
                    linux-binary-7.2.13-amd64 (= 7.2.13-1), linux-modules-7.2.13-amd64 (= 7.2.13-1)\n";
        let found: Vec<_> = parts(show, "linux-image-7.2.13-amd64").collect();
        let wanted = ["base", "binary", "modules"].map(|part| format!("linux-{part}-7.2.13-amd64"));
        assert_eq!(found, wanted);
        let whole = "Depends: kmod, linux-base (>= 4.3~)\n";
        assert_eq!(parts(whole, "linux-image-6.12.95-amd64").count(), 0);
    }
}
