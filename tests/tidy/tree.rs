//! The repository's files as the rules see them.

use std::fs;
use std::path::Path;

/// One file: its path from the repository's root, with `/`, and its text.
#[derive(Clone, Debug)]
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    pub fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    pub fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == extension)
    }

    /// `path:line: what`, as editors read it.
    pub fn finding(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// The entries that lie in the tree without belonging to it: what is built, kept by tools, or left by a run.
const NOT_OURS: &[&str] = &["target", ".git", "__pycache__", "node_modules", ".venv", ".idea", ".vscode"];

/// Every file of the repository; one that is no UTF-8 text has an empty text.
pub fn files() -> Vec<File> {
    let mut files = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 20, "the walk found only {} files", files.len());
    files
}

fn walk(root: &Path, folder: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let full = root.join(&path);
        // Another process may write and remove its temporary files meanwhile.
        let Ok(metadata) = fs::metadata(&full) else { continue };
        if metadata.is_dir() {
            walk(root, &path, files);
        } else {
            files.push(File { path, text: fs::read_to_string(&full).unwrap_or_default() });
        }
    }
}
